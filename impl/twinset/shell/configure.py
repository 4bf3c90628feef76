"""`cluster create`: one configuration becomes the active one on both servers, or on none.

The server that was asked validates, then has the other one validate and keep it beside (prepare), then both
put it in place (commit). A server without a configuration listens for this on every address.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twinset import config as configuration
from twinset.advice.facts import ServerFacts
from twinset.errors import ConfigError, ProtocolError, Refusal
from twinset.shell import cancellation, control_channel, disk_registration, server_facts, store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from twinset.config.cluster import ClusterConfig
    from twinset.shell.control_channel import Channel
    from twinset.shell.paths import Paths
    from twinset.wire.control import Hello

CONNECT_S: Final = 5.0
CONFIG_BYTES_MAX: Final = 512 * 1024
CLAUSE: Final = "7.1.1-07"


def _read(text: str) -> ClusterConfig:
    if len(text.encode()) > CONFIG_BYTES_MAX:
        raise Refusal("E_LIMIT", f"a configuration of more than {CONFIG_BYTES_MAX} bytes")
    try:
        return configuration.loads(text)
    except ConfigError as error:
        raise Refusal("E_CONFIG", str(error), help="twinset check FILE") from None


def validated(text: str, me: str) -> ClusterConfig:
    """Return the configuration; Refusal with every finding when it breaks rules or is not for this server."""
    config = _read(text)
    config.server(me)  # refuses a name that is not in it
    for mirror_set in config.mirror_sets:
        path = mirror_set.disk_path(me)
        if not Path(path).exists():
            raise Refusal("E_DISK", f"mirror set {mirror_set.name}: {path} does not exist on {me}", CLAUSE)
    return config


class Configure:
    """Both roles of the exchange on one server."""

    def __init__(
        self,
        paths: Paths,
        me: str,
        may_change: Callable[[], Awaitable[str]],
        committed: Callable[[], None],
    ) -> None:
        self._paths = paths
        self._me = me
        self._may_change = may_change
        self._committed = committed

    async def create(
        self, text: str, key: bytes, own_hello: Hello, *, register: str = "", cancel: str = ""
    ) -> dict[str, Any]:
        """Make `text` the configuration of both servers, with a set registered or cancelled by it."""
        config = validated(text, self._me)
        await self._refuse_when_running()
        await self._refuse_unfit_disks(config, register)
        peer = config.peer_of(self._me).name
        channel = await self._reach(config, peer, key, own_hello)
        try:
            answers = channel.frames()
            change = {"register": register, "cancel": cancel}
            await _ask(channel, answers, peer, {"t": "prepare", "text": text, **change})
            self._prepare(text)
            await _ask(channel, answers, peer, {"t": "commit"})
            self._commit(cancel)
            self._committed()
        except (OSError, ProtocolError) as error:
            raise Refusal(
                "E_STATE", f"{peer} went away while the configuration was handed over: {error}"
            ) from None
        finally:
            self._forget()
            channel.close()
        return {"cluster": config.cluster.name, "servers": [server.name for server in config.servers]}

    async def facts(self, text: str, key: bytes | None, own_hello: Hello) -> dict[str, Any]:
        """Return what both servers see of themselves for the check list; who did not answer, with the reason."""
        config = _read(text)
        own = await server_facts.gather(config, self._me, self._paths.state)
        peer = config.peer_of(self._me).name
        if key is None:
            return {"servers": [own.as_json()], "absent": {peer: "this server has no cluster key"}}
        try:
            theirs = await self._facts_of(peer, config, text, key, own_hello)
        except (OSError, ProtocolError, Refusal, ValueError) as error:
            return {"servers": [own.as_json()], "absent": {peer: str(error)}}
        return {"servers": [own.as_json(), theirs.as_json()], "absent": {}}

    async def _facts_of(
        self, peer: str, config: ClusterConfig, text: str, key: bytes, own_hello: Hello
    ) -> ServerFacts:
        channel = await self._reach(config, peer, key, own_hello)
        try:
            answer = await _ask(channel, channel.frames(), peer, {"t": "facts", "text": text})
        finally:
            channel.close()
        return ServerFacts.from_json(answer.get("facts", {}))

    async def serve(self, channel: Channel) -> None:
        """Answer another server that wants to hand a configuration over, or facts of this one."""
        prepared: dict[str, Any] | None = None
        committed = False
        try:
            async for frame in channel.frames():
                answer: dict[str, Any] = {"t": "done"}
                try:
                    if frame.get("t") == "facts" and isinstance(frame.get("text"), str):
                        found = await server_facts.gather(_read(frame["text"]), self._me, self._paths.state)
                        answer["facts"] = found.as_json()
                    else:
                        prepared, committed = await self._obey(frame, prepared)
                except Refusal as refusal:
                    answer = {"t": "refused", "error": refusal.as_json()}
                channel.send(answer)
                await channel.drained()
                if committed:
                    return
        finally:
            self._forget()
            if committed:  # after the answer has gone: the change ends this connection
                self._committed()

    async def _obey(
        self, frame: dict[str, Any], prepared: dict[str, Any] | None
    ) -> tuple[dict[str, Any] | None, bool]:
        """Carry one request of the other server out; return what is prepared, and whether it is committed."""
        if frame.get("t") == "prepare" and isinstance(frame.get("text"), str):
            config = validated(frame["text"], self._me)
            await self._refuse_when_running()
            await self._refuse_unfit_disks(config, str(frame.get("register") or ""))
            self._prepare(frame["text"])
            return frame, False
        if frame.get("t") == "commit" and prepared is not None:
            self._commit(str(prepared.get("cancel") or ""))
            return prepared, True
        raise Refusal("E_STATE", f"unexpected request {frame.get('t')!r}")

    @property
    def _beside(self) -> Path:
        return self._paths.config.with_name("cluster.toml.prepared")

    def _prepare(self, text: str) -> None:
        store.write_atomic(self._beside, text)

    def _commit(self, cancel: str) -> None:
        if cancel:  # before the configuration that does not name its disk any more
            cancellation.remember(self._paths, cancel, self._me)
        self._beside.replace(self._paths.config)
        store.sync_directory(self._paths.config.parent)

    def _forget(self) -> None:
        with contextlib.suppress(OSError):
            self._beside.unlink()

    async def _refuse_when_running(self) -> None:
        reason = await self._may_change()
        if reason:
            raise Refusal("E_STATE", f"{self._me}: {reason}", CLAUSE, "twinset cluster stop")

    async def _refuse_unfit_disks(self, config: ClusterConfig, register: str) -> None:
        """Look at the disks beside the event loop: one that does not answer must not stop the daemon."""
        state = self._paths.state
        await asyncio.to_thread(disk_registration.refuse_unfit, config, self._me, state)
        if register:
            await asyncio.to_thread(
                disk_registration.refuse_registered, config.mirror_set(register), self._me, state
            )

    async def _reach(self, config: ClusterConfig, peer: str, key: bytes, own: Hello) -> Channel:
        """Open a connection to the other server over the first LAN that works."""
        tried = []
        for lan in config.lans:
            remote = lan.endpoint(peer).ip
            try:
                channel = await control_channel.connect(key, own, None, remote, CONNECT_S)
            except (OSError, ProtocolError) as error:
                tried.append(f"{remote}: {error}")
                continue
            if channel.hello is not None and channel.hello.server.casefold() == peer.casefold():
                return channel
            tried.append(f"{remote}: there is {channel.hello and channel.hello.server}, not {peer}")
            channel.close()
        raise Refusal(
            "E_STATE",
            f"{peer} cannot be reached, so nothing was changed ({'; '.join(tried)})",
            CLAUSE,
            f"start twinsetd on {peer}; both servers need the same cluster.key",
        )


async def _ask(channel: Channel, answers: Any, peer: str, request: dict[str, Any]) -> dict[str, Any]:
    channel.send(request)
    try:
        answer = await anext(answers)
    except StopAsyncIteration:
        raise ProtocolError("closed") from None
    if answer.get("t") == "done":
        return dict(answer)
    error = answer.get("error")
    if isinstance(error, dict):
        raise Refusal(
            str(error.get("code", "E_STATE")),
            f"{peer} refuses the configuration: {error.get('message')}",
            str(error.get("clause", "")),
            str(error.get("help", "")),
        )
    raise ProtocolError(f"unexpected answer {answer.get('t')!r}")
