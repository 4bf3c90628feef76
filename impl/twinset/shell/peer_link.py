"""The control link to the other daemon: one ordered stream of messages over every LAN that works.

Server 2 connects, server 1 listens, on each LAN at once; wire.control_session makes one stream of them. The
link reports `unreachable` when no connection was open for a while, or when the other daemon was restarted.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinset.errors import ProtocolError, VersionsApart
from twinset.shell import clock, control_channel
from twinset.wire.control_session import ControlSession

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twinset.shell.control_channel import Channel
    from twinset.shell.links import LanPath
    from twinset.wire.control import Hello
    from twinset.wire.keyring import Keyring


@dataclass(frozen=True)
class LinkTimes:
    """Durations of the link in seconds."""

    sign_of_life_s: float
    silent_s: float  # a connection that is silent this long is dead
    grace_s: float  # without any connection this long, the messages under way are given up
    connect_s: float
    retry_s: float

    @classmethod
    def scaled(cls, scale: float) -> LinkTimes:
        """Return the durations for a time scale; floors keep a loaded machine from flapping."""
        return cls(
            sign_of_life_s=max(0.1, scale),
            silent_s=max(1.0, 6 * scale),
            grace_s=max(1.0, 6 * scale),
            connect_s=max(0.5, 3 * scale),
            retry_s=max(0.1, scale),
        )


class PeerLink:
    """One side of the link. `received` gets each message once, in order; `unreachable` no verdict, a fact."""

    def __init__(
        self,
        *,
        keys: Keyring,
        me: str,
        peer: str,
        received: Callable[[dict[str, Any]], None],
        unreachable: Callable[[], None],
        problem: Callable[[str], None],
        times: LinkTimes,
        apart: Callable[[str], None] | None = None,
        port: int = control_channel.CONTROL_PORT,
    ) -> None:
        self.keys = keys
        self._me = me
        self._peer = peer
        self._received = received
        self._unreachable = unreachable
        self._problem = problem
        self._apart = apart or problem  # the other side's program is of no version that this one speaks
        self._times = times
        self._port = port
        self._instance = secrets.token_hex(16)
        self._session: ControlSession | None = None
        self._channels: list[Channel] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._lonely_since_ms: int | None = None

    def own_hello(self) -> Hello:
        """Return the hello of a new connection of this link."""
        return control_channel.hello("link", self._me, self._instance)

    @property
    def connected(self) -> bool:
        """True while at least one connection is open."""
        return any(channel.resumed for channel in self._channels)

    @property
    def peer_run(self) -> str:
        """The run of the other daemon that is connected; "" while none is."""
        return self._session.peer_instance if self._session is not None and self.connected else ""

    def start(self, connect_to: Sequence[LanPath]) -> None:
        """Begin: keep one connection to each of these, and watch those that are open."""
        self._tasks = [asyncio.create_task(self._keep(path)) for path in connect_to]
        self._tasks.append(asyncio.create_task(self._watch()))

    async def stop(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._close_all()

    def send(self, message: dict[str, Any]) -> bool:
        """Send a message over every open connection; False when there is no session to send it in."""
        if self._session is None:
            return False
        try:
            frame = self._session.message(message)
        except ProtocolError as error:
            self._problem(str(error))
            self._give_up()
            return False
        for channel in list(self._channels):
            if channel.resumed:
                self._send_on(channel, frame)
        return True

    async def flush(self, seconds: float) -> None:
        """Let what was sent leave this process: before the process ends."""
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(seconds):
                for channel in list(self._channels):
                    await channel.drained()

    async def serve(self, channel: Channel) -> None:
        """Use an authenticated channel until it ends (ProtocolError, OSError)."""
        peer = channel.hello
        if peer is None or peer.server.casefold() != self._peer.casefold():
            raise ProtocolError(f"{peer and peer.server!r} is not the other server, {self._peer!r}")
        if self._session is None or self._session.peer_instance != peer.instance:
            self._new_session(peer.instance)
        session = self._session
        if session is None:
            raise AssertionError("a new session is there")
        self._channels.append(channel)
        try:
            channel.send(session.resume())
            async for frame in channel.frames():
                if self._session is not session:
                    return
                self._on_frame(channel, session, frame)
        finally:
            channel.close()
            with contextlib.suppress(ValueError):
                self._channels.remove(channel)
            if not self._channels and self._lonely_since_ms is None:
                self._lonely_since_ms = clock.now_ms()

    def _on_frame(self, channel: Channel, session: ControlSession, frame: dict[str, Any]) -> None:
        kind = frame.get("t")
        if kind == "resume":
            for missing in session.frames_after_resume(frame.get("received")):
                channel.send(missing)
            channel.resumed = True
            self._lonely_since_ms = None
        elif kind == "ack":
            session.confirmed(frame.get("received"))
        elif kind == "msg":
            message = session.accept(frame)
            if message is not None:
                self._received(message)
        else:
            raise ProtocolError(f"unknown kind of frame {kind!r}")

    def _new_session(self, instance: str) -> None:
        """The other daemon was restarted, or gave the old session up."""
        had = self._session is not None
        self._close_all()
        self._session = ControlSession(instance)
        self._lonely_since_ms = None
        if had:
            self._unreachable()

    def _give_up(self) -> None:
        """Drop the session; a new instance id makes the other side drop it too."""
        self._session = None
        self._instance = secrets.token_hex(16)
        self._close_all()
        self._lonely_since_ms = None
        self._unreachable()

    def _close_all(self) -> None:
        channels, self._channels = self._channels, []
        for channel in channels:
            channel.close()

    def _send_on(self, channel: Channel, frame: dict[str, Any]) -> None:
        try:
            channel.send(frame)
        except (ProtocolError, OSError) as error:
            self._problem(f"{channel.label}: {error}")
            channel.close()

    async def _keep(self, path: LanPath) -> None:
        """Keep a connection over one LAN open."""
        while True:
            own = self.own_hello()
            channel: Channel | None = None
            try:
                channel = await control_channel.connect(
                    self.keys, own, path.local, path.remote, self._times.connect_s, self._port
                )
                if own.instance == self._instance:
                    await self.serve(channel)
            except VersionsApart as error:
                self._apart(f"{path.lan}: {error}")
            except ProtocolError as error:
                self._problem(f"{path.lan}: {error}")
            except OSError:
                pass  # a LAN that is down is no news: heartbeats tell
            finally:
                if channel is not None:
                    channel.close()
            await clock.pause(self._times.retry_s)

    async def _watch(self) -> None:
        """Give signs of life, drop silent connections, give up a session without connection."""
        while True:
            await clock.pause(self._times.sign_of_life_s)
            now = clock.now_ms()
            for channel in list(self._channels):
                if now - channel.heard_ms > self._times.silent_s * 1000:
                    channel.close()  # no news either: heartbeats tell
                elif self._session is not None and channel.resumed:
                    self._send_on(channel, self._session.confirm())
            lonely = self._lonely_since_ms
            if self._session is not None and lonely is not None and now - lonely > self._times.grace_s * 1000:
                self._give_up()
