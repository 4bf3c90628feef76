"""Registry keys of this server's groups: watched, kept in versions, sent to the other server, restored (6.2.7).

The decisions are pure and elsewhere (`registry/hive`); here are time, files and the control link. One version at a
time is under way, and the next one follows its answer: a slow link holds up keys, never the cluster's own messages.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import TwinsetError
from twinset.guide.names import canonical_registry_key
from twinset.registry import hive as hives
from twinset.shell import clock
from twinset.shell.registry_backends import Backend, Plain, Samba
from twinset.shell.registry_hives import HiveFiles, Id
from twinset.shell.registry_store import RegistryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from twinset.config.cluster import ClusterConfig
    from twinset.registry.hive import Hive
    from twinset.shell.paths import Paths

POLL_S: Final = 0.5  # 6.2.7-02: a change is sent within seconds; the look is a stat
TOOL_POLLS: Final = 8  # a look by a program comes that much more seldom
ANSWER_S: Final = 5.0
REFUSED_AGAIN_S: Final = (
    30.0  # what was refused while the group ran on both servers is taken once it does not
)
KINDS: Final = (hives.HIVE, hives.ANSWER)
PLAIN: Final = "twinset"


@dataclass(slots=True)
class Watched:
    """A key of a group that runs here."""

    failed: str = ""  # why the last look or restore failed, told once
    suspended: bool = False  # the last version could not be restored: see registry/hive.py


class RegistrySync:
    """All keys of one server."""

    def __init__(
        self,
        config: ClusterConfig,
        paths: Paths,
        log: Callable[[str, str, Mapping[str, Any]], None],
        send: Callable[[dict[str, Any]], bool],
        link: Callable[[], str],  # the run of the other daemon that is connected, "" without one
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._known = {
            (group.name, canonical_registry_key(item.key)): item
            for group in config.groups
            for item in group.registry_keys
        }
        self._log, self._send, self._link, self._failed = log, send, link, failed
        self._files = HiveFiles(paths.registry_hives)
        self._backends: dict[str, Backend] = {
            PLAIN: Plain(RegistryStore(paths.registry)),
            "samba": Samba(paths.registry_hives),
        }
        self._watched: dict[Id, Watched] = {}
        self._hives: dict[Id, Hive] = {}
        self._refused: dict[
            Id, tuple[str, int]
        ] = {}  # digest that the connected daemon did not take, and when
        self._peer_run = ""
        self._hand = asyncio.Lock()  # one at a time on stores and files
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()  # something was confirmed or refused
        self._tasks: set[asyncio.Task[None]] = set()

    # -- life -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read what is kept, and begin to look and to send."""
        for each, damage in self._files.load(self._known):
            if damage:
                self._log("registry_hive_damaged", "error", {"reason": damage})
            elif each is not None:
                self._hives[each.group, each.key] = each
        self._beside(self._look_on())
        self._beside(self._send_on())

    async def stop(self) -> None:
        """End; what is kept stays kept."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def status(self) -> list[dict[str, Any]]:
        """Return every key with its version, for an operator."""
        return [
            {
                "group": group,
                "key": item.key,
                "store": item.store,
                "version": known.version if (known := self._hives.get((group, key))) else 0,
                "watched": (group, key) in self._watched and not self._watched[group, key].suspended,
                "confirmed": bool(known and known.confirmed),
                "to_restore": bool(known and known.restores),
                "reason": self._watched[group, key].failed if (group, key) in self._watched else "",
            }
            for (group, key), item in self._known.items()
        ]

    # -- steps of the group -----------------------------------------------------------------------------

    def watches(self, group: str, key: str) -> bool:
        """True while the key is in care."""
        return (group, canonical_registry_key(key)) in self._watched

    async def begin(self, group: str, key: str) -> None:
        """Put the last version into the store, then watch the key; a restore that fails is told (6.2.7-05, -06)."""
        each = (group, canonical_registry_key(key))
        async with self._hand:
            watched = self._watched[each] = Watched()
            known = self._hives.get(each)
            if known is not None and known.restores:
                await self._restore(each, known, watched)
            if (
                known := self._hives.get(each)
            ) is not None:  # the other server learns that it is no longer the last
                self._hives[each] = replace(known, confirmed=False)
                self._wake.set()
            await self._look(each, watched)

    def resume(self, group: str, key: str) -> None:
        """Watch a key again that a former daemon watched; what it had not restored stays out."""
        each = (group, canonical_registry_key(key))
        known = self._hives.get(each)
        self._watched[each] = Watched(suspended=known is not None and known.restores)

    async def end(self, group: str, key: str) -> None:
        """Look once more, give the other server a moment to confirm, and watch no longer."""
        each = (group, canonical_registry_key(key))
        watched = self._watched.get(each)
        if watched is None:
            return
        async with self._hand:
            await self._look(each, watched)
        until = clock.now_ms() + int(ANSWER_S * 1000)
        while self._waits(each) and self._link() and clock.now_ms() < until:
            self._settled.clear()
            await clock.wait_event(self._settled, POLL_S)
        if self._waits(each):
            why = "its last version is not confirmed; it follows when the other server is reached"
            self._log("registry_key_not_sent", "warning", {"group": group, "key": each[1], "reason": why})
        self._watched.pop(each, None)

    async def _restore(self, each: Id, known: Hive, watched: Watched) -> None:
        key = self._known[each].key
        fields = {"group": each[0], "key": key, "version": known.version}
        try:
            if hives.digest(await self._backend(each).read(key)) != known.digest:
                await self._backend(each).write(key, known.content)
                self._log("registry_key_restored", "info", fields)
            await self._keep(each, hives.restored(known))
        except (TwinsetError, OSError) as error:
            watched.suspended, watched.failed = True, str(error)
            self._log("registry_key_restore_failed", "error", {**fields, "reason": str(error)})

    # -- looking ----------------------------------------------------------------------------------------

    async def _look_on(self) -> None:
        round_ = 0
        while True:
            await clock.pause(POLL_S)
            round_ += 1
            try:
                await self._look_at_all(tools=round_ % TOOL_POLLS == 0)
            except Exception as error:  # noqa: BLE001 - logged; the next round may well be fine
                self._failed("registry keys", error)

    async def _look_at_all(self, *, tools: bool) -> None:
        due = {name for name, each in self._backends.items() if (name == PLAIN or tools) and each.changed()}
        for id_, watched in list(self._watched.items()):
            if self._known[id_].store in due or (watched.failed and tools):
                async with self._hand:
                    await self._look(id_, watched)

    async def _look(self, each: Id, watched: Watched) -> None:
        """Keep and send what has changed; a look that fails is told once."""
        if watched.suspended or self._watched.get(each) is not watched:
            return
        (group, canonical), item = each, self._known[each]
        try:
            content = await self._backend(each).read(item.key)
            new = hives.next_version(self._hives.get(each), group, canonical, item.store, content)
            if new is not None:
                await self._keep(each, new)
            watched.failed = ""
        except (TwinsetError, OSError) as error:
            if watched.failed != str(error):
                watched.failed = str(error)
                fields = {"group": group, "key": item.key, "reason": str(error)}
                self._log("registry_key_failed", "error", fields)
        except Exception as error:  # noqa: BLE001 - logged; the other keys have to go on
            self._failed("registry keys", error)

    async def _keep(self, each: Id, new: Hive) -> None:
        await asyncio.to_thread(self._files.write, new)
        self._hives[each] = new
        self._wake.set()

    def _backend(self, each: Id) -> Backend:
        return self._backends[self._known[each].store]

    # -- the other server -------------------------------------------------------------------------------

    def receive(self, message: Mapping[str, Any]) -> None:
        """Take a message of the other daemon's keys."""
        self._beside(self._take(message))

    async def _take(self, message: Mapping[str, Any]) -> None:
        try:
            if message.get("kind") == hives.ANSWER:
                await self._answered(message)
            else:
                await self._offered(message)
        except (TwinsetError, OSError) as error:
            self._log("input_dropped", "warning", {"where": "registry keys", "reason": str(error), "more": 0})

    async def _offered(self, message: Mapping[str, Any]) -> None:
        offered = hives.from_json(message)
        each = (offered.group, offered.key)
        async with self._hand:
            known = self._hives.get(each)
            if each not in self._known or self._known[each].store != offered.store:
                reason = f"group {offered.group} has no such key in store {offered.store} here"
            else:
                there = message.get("running") is True
                reason = hives.judge(known, offered, runs_here=each in self._watched, running_there=there)
            if not reason:
                try:
                    await self._keep(each, hives.taken(offered))
                except OSError as error:
                    reason = f"it cannot be kept: {error.strerror}"
        self._send(offered.answer(reason))

    async def _answered(self, message: Mapping[str, Any]) -> None:
        each = (str(message.get("group")), str(message.get("key")))
        async with self._hand:
            known = self._hives.get(each)
            if known is None or message.get("digest") != known.digest:
                return  # a newer version is here already, and follows
            if message.get("ok") is True:
                await self._keep(each, replace(known, confirmed=True))
            else:
                told, _ = self._refused.get(each, ("", 0))
                self._refused[each] = (known.digest, clock.now_ms())
                if told != known.digest:
                    fields = {"group": each[0], "key": each[1], "version": known.version}
                    reason = str(message.get("reason"))[:500]
                    self._log("registry_key_refused", "warning", {**fields, "reason": reason})
        self._settled.set()

    async def _send_on(self) -> None:
        """Send what the other daemon lacks, one after the other; all of what runs here to each new one."""
        while True:
            await clock.wait_event(self._wake, POLL_S)
            self._wake.clear()
            run = self._link()
            if run and run != self._peer_run:
                self._refused.clear()
                for each in self._watched:
                    if (known := self._hives.get(each)) is not None:
                        self._hives[each] = replace(known, confirmed=False)
            self._peer_run = run
            for each in [each for each in self._hives if run and self._waits(each)]:
                await self._send_one(each)

    async def _send_one(self, each: Id) -> None:
        self._settled.clear()
        if self._send(self._hives[each].offer(running=each in self._watched)):
            await clock.wait_event(self._settled, ANSWER_S)

    def _waits(self, each: Id) -> bool:
        """True while the other server lacks the last version and may take it."""
        known = self._hives.get(each)
        if known is None or known.confirmed:
            return False
        refused, at_ms = self._refused.get(each, ("", 0))
        return refused != known.digest or clock.now_ms() - at_ms >= REFUSED_AGAIN_S * 1000

    def _beside(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
