"""One configuration becomes the active one on both servers, or on none: `cluster create` and `apply`.

The server that was asked (C) and the other one (P), each step durable before the next:

    1. C and P say what they have (lineage.Claim); C makes the next generation of it.
    2. P judges the text by its own state and its own disks and networks, and keeps it beside: offered.
    3. C judges it, and puts it in place by one rename. This is the decision: nothing is undone from here on.
    4. P puts what was offered in place. Both take it up.

Whatever is interrupted, each server has one text or the other, whole. What is left to say is who is behind, and that is
read off the lineage whenever the servers meet (`agree`): the one whose text is an ancestor of the other's fetches it.
An offer that was never decided is withdrawn then. A server without a configuration listens on every address.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from twinset import config as configuration
from twinset.advice.facts import ServerFacts
from twinset.config import changes as change_rules
from twinset.config import lineage, password
from twinset.errors import ConfigError, ProtocolError, Refusal
from twinset.shell import (
    cancellation,
    cluster_names,
    control_channel,
    disk_registration,
    exchange,
    own_accounts,
    own_network,
    server_facts,
    store,
)
from twinset.shell.exchange import CLAUSE, Deal
from twinset.wire.heartbeat import config_digest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from twinset.config.cluster import ClusterConfig
    from twinset.config.lineage import Claim
    from twinset.shell.control_channel import Channel
    from twinset.shell.paths import Paths
    from twinset.wire.control import Hello
    from twinset.wire.keyring import Keyring

CONNECT_S: Final = 5.0
WAIT, ADOPTED = "wait", "adopted"


@dataclass(frozen=True)
class Asked:
    """What an operator asks for."""

    text: str
    live: bool = False  # a cluster at work may take it
    dry_run: bool = False
    alone: bool = False  # the other server is away: it gets the text when it is back
    resolve: bool = False  # the servers have diverged, and this text is to follow both
    register: str = ""  # a mirror set whose disks must be without a record


class Configure:
    """Both roles of the exchange on one server, and its durable state: the active text, and what was offered."""

    def __init__(
        self,
        paths: Paths,
        me: str,
        judge: Callable[[ClusterConfig | None, ClusterConfig, bool], Awaitable[None]],
        committed: Callable[[], None],
        look: Callable[
            [ClusterConfig | None, ClusterConfig, str], Awaitable[None]
        ] = own_network.refuse_unfit,
        ask_for_name: Callable[
            [ClusterConfig | None, ClusterConfig, str], Awaitable[None]
        ] = cluster_names.refuse_taken,
    ) -> None:
        self._paths = paths
        self._me = me
        self._judge = judge
        self._committed = committed
        self._look = look
        self._ask_for_name = ask_for_name
        self._hand = asyncio.Lock()  # one change at a time

    # -- what is kept -----------------------------------------------------------------------------------

    def claim(self) -> Claim:
        """Return what this server says of its active configuration."""
        return self._claim_of(self._paths.config)

    @property
    def in_doubt(self) -> bool:
        """True when something was offered and it is not known here whether it was decided."""
        return self._offered.exists() and not self._hand.locked()

    def active_text(self) -> str:
        """Return the active text; "" when there is none that can be read."""
        return exchange.read(self._paths.config)

    def _claim_of(self, path: Path) -> Claim:
        text = exchange.read(path)
        if not text:
            return lineage.Claim(changing=self._hand.locked())
        return exchange.claim_of(text, changing=self._hand.locked())

    def active(self) -> ClusterConfig | None:
        """Return the active configuration; None when there is none that can be used."""
        with contextlib.suppress(ConfigError):
            return configuration.load(self._paths.config)
        return None

    @property
    def _offered(self) -> Path:
        return self._paths.config.with_name("cluster.toml.offered")

    def _adopt(self, text: str, old: ClusterConfig | None, new: ClusterConfig) -> None:
        """Put a text in place, durably; a mirror set that goes with it is forgotten by its disk (8.3-02)."""
        store.write_atomic(self._offered, text)
        for name in change_rules.dropped_sets(old, new):
            cancellation.remember(self._paths, name, self._me)
        self._offered.replace(self._paths.config)
        store.sync_directory(self._paths.config.parent)

    def _withdraw(self) -> None:
        with contextlib.suppress(OSError):
            self._offered.unlink()
            store.sync_directory(self._paths.config.parent)

    # -- asked here -------------------------------------------------------------------------------------

    async def change(self, asked: Asked, keys: Keyring, own_hello: Hello) -> dict[str, Any]:
        """Make a text the configuration of both servers; Refusal when either has a reason, and nothing changes."""
        if self._hand.locked():
            raise Refusal("E_STATE", f"{self._me}: another change of the configuration is under way", CLAUSE)
        async with self._hand:
            old, salt = self.active(), secrets.token_bytes(password.SALT_BYTES)
            config = exchange.validated(asked.text, self._me)
            config = await asyncio.to_thread(password.settled, config, old, salt, dry_run=asked.dry_run)
            asked = replace(asked, text=exchange.without_passwords(asked.text, config))
            found = [] if old is None else change_rules.difference(old, config)
            report = {
                "cluster": config.cluster.name,
                "servers": [server.name for server in config.servers],
                "changes": [each.as_json() for each in found],
                "applied": False,
                "generation": self.claim().generation,
                "waits_for": "",
            }
            if asked.live and old is not None and not found and not asked.resolve:
                return report
            await self._fit(old, config, live=asked.live, register=asked.register)
            await self._ask_for_name(old, config, self._me)  # one server's LANs are those of both
            deal = await self._meet(config, old, keys, own_hello, alone=asked.alone)
            try:
                return await self._carry_out(asked, config, old, deal, report)
            finally:
                if deal.channel is not None:
                    deal.channel.close()

    async def _carry_out(
        self,
        asked: Asked,
        config: ClusterConfig,
        old: ClusterConfig | None,
        deal: Deal,
        report: dict[str, Any],
    ) -> dict[str, Any]:
        mine = self.claim()
        self._refuse_unrelated(mine, deal, resolve=asked.resolve or not asked.live)
        offered = self._claim_of(self._offered)  # may have been decided by the other server: follow it too
        text = lineage.stamped(asked.text, mine, deal.claim, offered)
        report["generation"] = lineage.claim(text, "").generation
        if deal.channel is not None:
            offer = {"t": "offer", "text": text, "live": asked.live, "dry": asked.dry_run}
            try:
                await deal.ask({**offer, "register": asked.register})
            except (OSError, ProtocolError) as error:
                raise Refusal(
                    "E_STATE", f"{deal.peer} went away before anything was changed: {error}", CLAUSE
                ) from None
        if asked.dry_run:
            return report
        self._adopt(text, old, config)
        report["applied"] = True
        try:
            await deal.ask({"t": "commit"})
        except (OSError, ProtocolError, Refusal) as error:
            report["waits_for"] = f"{deal.peer} takes it over when both meet ({error})"
        self._committed()
        return report

    def _refuse_unrelated(self, mine: Claim, deal: Deal, *, resolve: bool) -> None:
        related = lineage.relation(mine, deal.claim)
        if related == lineage.OLDER and mine.digest and not resolve:
            raise Refusal(
                "E_STATE",
                f"{deal.peer} has generation {deal.claim.generation} of the configuration, {self._me} {mine.generation}"
                " and is about to take it over",
                CLAUSE,
                "twinset cluster configuration",
            )
        if related == lineage.DIVERGED and not resolve:
            raise Refusal(
                "E_STATE",
                f"the configurations of {self._me} (generation {mine.generation}) and {deal.peer} (generation"
                f" {deal.claim.generation}) were changed apart from each other; a change follows one of them only"
                " when you say so",
                CLAUSE,
                "twinset cluster configuration --compare; then twinset apply FILE --resolve",
            )

    async def _fit(
        self, old: ClusterConfig | None, new: ClusterConfig, *, live: bool, register: str = ""
    ) -> None:
        """Judge by state, networks, accounts and disks of this server; Refusal says what does not fit."""
        await self._judge(old, new, live)
        await self._look(old, new, self._me)
        await asyncio.to_thread(own_accounts.refuse_unfit, old, new, self._me)  # PAM takes its time
        if live and old is not None and old.mirror_sets == new.mirror_sets:
            return  # its mirror processes have the disks
        state = self._paths.state
        # Beside the event loop: a disk that does not answer must not stop the daemon.
        await asyncio.to_thread(disk_registration.refuse_unfit, new, self._me, state)
        if register:
            await asyncio.to_thread(
                disk_registration.refuse_registered, new.mirror_set(register), self._me, state
            )

    # -- the other server -------------------------------------------------------------------------------

    async def _meet(
        self, config: ClusterConfig, old: ClusterConfig | None, keys: Keyring, own: Hello, *, alone: bool
    ) -> Deal:
        """Reach the other server and hear what it has; with `alone` it must not be there."""
        deal = Deal(config.peer_of(self._me).name)
        try:
            deal.channel = await self._reach([config, *([old] if old else [])], deal.peer, keys, own)
        except Refusal:
            if not alone:
                raise
            return deal
        deal.answers = deal.channel.frames()
        try:
            deal.claim = lineage.claim_from_json((await deal.ask({"t": "claim"})).get("claim"))
        except (OSError, ProtocolError, ValueError, Refusal) as error:
            deal.channel.close()
            raise Refusal("E_STATE", f"{deal.peer} went away, nothing was changed: {error}", CLAUSE) from None
        return deal

    async def _reach(self, configs: list[ClusterConfig], peer: str, keys: Keyring, own: Hello) -> Channel:
        """Open a connection to the other server over the first LAN that works."""
        tried = []
        remotes = dict.fromkeys(
            end.ip for config in configs for lan in config.lans for end in lan.endpoints
            if end.server.casefold() == peer.casefold()
        )  # fmt: skip
        for remote in remotes:
            try:
                channel = await control_channel.connect(keys, own, None, remote, CONNECT_S)
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

    def _configured(self) -> ClusterConfig:
        config = self.active()
        if config is None:
            raise Refusal(
                "E_STATE", f"{self._me} has no configuration", CLAUSE, "twinset cluster create FILE"
            )
        return config

    async def look_over(self, keys: Keyring, own: Hello) -> tuple[Claim, str]:
        """Return claim and text of the other server; Refusal when it cannot be asked."""
        config = self._configured()
        deal = await self._meet(config, None, keys, own, alone=False)
        try:
            text = (await deal.ask({"t": "fetch"})).get("text")
        except (OSError, ProtocolError) as error:
            raise Refusal("E_STATE", f"{deal.peer} went away: {error}", CLAUSE) from None
        finally:
            if deal.channel is not None:
                deal.channel.close()
        return deal.claim, str(text)

    async def hand_over(self, keys: Keyring, own: Hello) -> dict[str, Any]:
        """Give the active configuration to the other server, which is new and has none; it judges it by itself."""
        config = self._configured()
        deal = await self._meet(config, None, keys, own, alone=False)
        report = {"server": deal.peer, "generation": self.claim().generation}
        try:
            if lineage.relation(self.claim(), deal.claim) == lineage.SAME:
                return {**report, "already": True}
            if deal.claim.digest:
                raise Refusal(
                    "E_STATE",
                    f"{deal.peer} is no new server: it has generation {deal.claim.generation} of a configuration",
                    CLAUSE,
                    "twinset cluster configuration --compare",
                )
            await deal.ask(
                {"t": "offer", "text": self.active_text(), "live": False, "dry": False, "register": ""}
            )
            await deal.ask({"t": "commit"})
        except (OSError, ProtocolError) as error:
            raise Refusal("E_STATE", f"{deal.peer} went away: {error}", CLAUSE, "once more") from None
        finally:
            if deal.channel is not None:
                deal.channel.close()
        return {**report, "already": False}

    async def agree(self, keys: Keyring, own: Hello) -> tuple[str, str]:
        """Compare with the other server, and take its text over when this one is behind.

        Returns the relation (lineage), WAIT when the other server is in the middle of a change, or ADOPTED; and a
        text for people. Refusal when the other server cannot be asked, or its text cannot be used here.
        """
        theirs, text = await self.look_over(keys, own)
        if theirs.changing or self._hand.locked():
            return WAIT, "a change is under way"
        async with self._hand:
            mine = self.claim()
            related = lineage.relation(mine, theirs)
            if related != lineage.OLDER:
                if related != lineage.DIVERGED:
                    self._withdraw()
                return related, f"generation {mine.generation} here, {theirs.generation} there"
            if config_digest(text.encode()) != theirs.digest:
                return WAIT, "it changed meanwhile"
            new = exchange.validated(text, self._me)
            self._adopt(text, self.active(), new)
            self._committed()
            return ADOPTED, f"generation {theirs.generation} in place of {mine.generation}"

    async def facts(self, text: str, keys: Keyring | None, own_hello: Hello) -> dict[str, Any]:
        """Return what both servers see of themselves for the check list; who did not answer, with the reason."""
        config = exchange.loaded(text)
        own = await server_facts.gather(config, self._me, self._paths.state)
        peer = config.peer_of(self._me).name
        if keys is None:
            return {"servers": [own.as_json()], "absent": {peer: "this server has no cluster key"}}
        deal = Deal(peer)
        try:
            deal.channel = await self._reach([config], peer, keys, own_hello)
            deal.answers = deal.channel.frames()
            answer = await deal.ask({"t": "facts", "text": exchange.without_passwords(text, config)})
            theirs = ServerFacts.from_json(answer.get("facts", {}))
        except (OSError, ProtocolError, Refusal, ValueError) as error:
            return {"servers": [own.as_json()], "absent": {peer: str(error)}}
        finally:
            if deal.channel is not None:
                deal.channel.close()
        return {"servers": [own.as_json(), theirs.as_json()], "absent": {}}

    # -- asked there ------------------------------------------------------------------------------------

    async def serve(self, channel: Channel) -> None:
        """Answer the other server."""
        offer: tuple[str, ClusterConfig] | None = None
        committed = False
        try:
            async for frame in channel.frames():
                kind = frame.get("t")
                answer: dict[str, Any] = {"t": "done"}
                try:
                    if kind == "claim":
                        answer = {"t": "claim", "claim": self.claim().to_json()}
                    elif kind == "fetch":
                        answer = {"t": "text", "text": self.active_text()}
                    elif kind == "facts" and isinstance(frame.get("text"), str):
                        config = exchange.loaded(frame["text"])
                        found = await server_facts.gather(config, self._me, self._paths.state)
                        answer["facts"] = found.as_json()
                    elif kind == "offer" and isinstance(frame.get("text"), str):
                        offer = await self._consider(frame)
                    elif kind == "commit" and offer is not None:
                        self._obey(*offer)
                        committed = True
                    else:
                        answer = exchange.refused(Refusal("E_STATE", f"unexpected request {kind!r}"))
                except Refusal as refusal:
                    answer = exchange.refused(refusal)
                channel.send(answer)
                await channel.drained()
                if committed:
                    return
        finally:
            if committed:  # after the answer has gone: the change ends this connection
                self._committed()

    def _obey(self, text: str, config: ClusterConfig) -> None:
        """Put an offer in place, unless this server was given another text since."""
        if self._hand.locked() or lineage.relation(self.claim(), exchange.claim_of(text)) != lineage.OLDER:
            raise Refusal("E_STATE", f"{self._me}: its configuration was changed meanwhile", CLAUSE)
        self._adopt(text, self.active(), config)

    async def _consider(self, frame: dict[str, Any]) -> tuple[str, ClusterConfig] | None:
        """Judge an offer and keep it; Refusal when it does not fit here."""
        if self._hand.locked():
            raise Refusal("E_STATE", f"{self._me}: another change of the configuration is under way", CLAUSE)
        async with self._hand:
            text = str(frame["text"])
            config = exchange.validated(text, self._me)
            live, register = frame.get("live") is True, str(frame.get("register") or "")
            await self._fit(self.active(), config, live=live, register=register)
            if frame.get("dry") is True:
                return None
            store.write_atomic(self._offered, text)
            return text, config
