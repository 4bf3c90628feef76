"""Everything that ARMLOAD has started on this server: watched, restarted, ended with its group (6.3-07 to 6.3-15).

Theory of operation (decision 0007). twinsetd itself watches, by a pidfd a program; the table of what is loaded
lies in the run directory and is written before each start, so the next twinsetd of this boot goes on. A group is
*open* here from the first step of its start until its last stop script has ended: only then something can be
loaded for it. While it stops, faults mean nothing (a stop script ends its application), and when the stop
scripts have ended, whatever is left of the group's programs is ended, before its addresses and disks go.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal
from twinset.monitoring import loaded as records
from twinset.monitoring.loaded import Loaded, Order
from twinset.monitoring.restarts import FAIL_OVER, NOTHING, RESTART, RESTART_SCRIPTS, Count, fault
from twinset.resources.script.log import trim_log
from twinset.shell import clock, store
from twinset.shell.program_targets import Program, Service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from pathlib import Path

    from twinset.shell.paths import Paths
    from twinset.shell.program_targets import Target

RESTART_PAUSE_S: Final = 0.5  # a program that dies at once must not eat a core
AGAIN_S: Final = 5.0  # until what the cluster refused is asked again
SETTLE_S: Final = 60.0  # for the group to go, after the cluster has accepted
END_S: Final = 10.0  # grace of what a group leaves behind
TRIM_S: Final = 60.0
PROGRAMS_MAX: Final = 256
ENDED_MAX: Final = 64  # whose status is still known to who asks late


@dataclass
class Entry:
    """What is loaded, and who watches it."""

    loaded: Loaded
    target: Target
    watcher: asyncio.Task[None] | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = False  # it is not watched any more, but what it left behind still belongs to the group


class Programs:
    """The table of this server."""

    def __init__(
        self,
        paths: Paths,
        log: Callable[[str, str, Mapping[str, Any]], None],
        request: Callable[[str, Mapping[str, Any]], Awaitable[Any]],
        shut_down: Callable[[str], Awaitable[Any]],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._paths = paths
        self._log = log
        self._request = request
        self._shut_down = shut_down
        self._failed = failed
        self._entries: dict[str, Entry] = {}
        self._open: set[str] = set()
        self._stopping: set[str] = set()
        self._carried: dict[
            str, dict[str, Count]
        ] = {}  # counts that survive a restart of the group's scripts
        self._ended: dict[str, int | None] = {}  # status of programs that ended by themselves
        self._side: set[asyncio.Task[None]] = set()

    # -- life -------------------------------------------------------------------------------------------

    def start(self, open_groups: Iterable[str] = ()) -> None:
        """Go on with what an earlier twinsetd of this boot has loaded."""
        self._open |= set(open_groups)
        body, _ = store.read_json_object(self._paths.programs)
        kept = body.get("loaded")
        for value in kept if isinstance(kept, list) else []:
            loaded = records.from_json(value)
            if loaded is not None:
                entry = Entry(loaded, self._target(loaded))
                if isinstance(entry.target, Program):
                    entry.target.adopt()
                self._entries[loaded.order.key] = entry
                self._open.add(loaded.order.group)
                self._watch(entry)
        self._beside(self._trim_logs())

    async def stop(self) -> None:
        """Stop watching; what is loaded goes on."""
        tasks = [entry.watcher for entry in self._entries.values() if entry.watcher is not None]
        tasks += self._side
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- groups -----------------------------------------------------------------------------------------

    def open(self, group: str) -> None:
        """The group begins to start here."""
        self._open.add(group)
        self._stopping.discard(group)

    def suspend(self, group: str) -> None:
        """The group begins to stop here: from now on the end of a program is no fault."""
        self._stopping.add(group)

    async def close(self, group: str) -> None:
        """The stop scripts have ended: end what is left of the group, take nothing more for it."""
        self._open.discard(group)
        mine = [entry for entry in self._entries.values() if entry.loaded.order.group == group]
        await asyncio.gather(*(self._end(entry, END_S) for entry in mine))
        for entry in mine:
            self._log("program_ended_with_group", "info", {"watch": entry.loaded.order.watch, "group": group})

    # -- requests ---------------------------------------------------------------------------------------

    async def load(self, order: Order) -> dict[str, Any]:
        """Start a program or service and watch it."""
        if order.key in self._entries:
            await self._drop_lost(self._entries[order.key])
        self._may_load(order)
        self._ended.pop(order.key, None)
        count = self._carried.get(order.group, {}).get(order.key, Count())
        loaded = Loaded(order, secrets.token_hex(16), Count(count.restarts, clock.now_ms()))
        entry = self._entries[order.key] = Entry(loaded, self._target(loaded))
        self._save()  # before the start: a twinsetd that dies now leaves nothing unknown behind
        try:
            await self._start(entry)
        except BaseException:
            await asyncio.shield(self._end(entry, 0.0))
            raise
        self._save()
        fields = {"watch": order.watch, "group": order.group, "pid": loaded.pid, "argv": list(order.argv)}
        self._log("program_loaded", "info", fields)
        self._watch(entry)
        return {"watch": order.watch, "group": order.group, "pid": loaded.pid}

    async def _start(self, entry: Entry) -> None:
        order = entry.loaded.order
        await entry.target.start()
        if order.group not in self._open or self._entries.get(order.key) is not entry:  # it stopped meanwhile
            raise _not_here(order)

    async def kill(self, watch: str, grace_s: float) -> dict[str, Any]:
        """Stop watching, then end it (6.3-08)."""
        entry = self._find(watch)
        left = await self._end(entry, grace_s)
        order = entry.loaded.order
        self._log("program_killed", "info", {"watch": order.watch, "group": order.group})
        if left:
            raise Refusal(
                "E_STATE", f"watch {order.watch} is not watched any more, but not all of it ended: {left}"
            )
        return {"watch": order.watch, "group": order.group}

    async def wait(self, watch: str, seconds: float) -> dict[str, Any]:
        """Wait for its end, for a while: who asks may be gone before it comes. The status when it ended by itself."""
        key = watch.casefold()
        ended = key in self._ended or await clock.wait_event(self._find(watch).gone, seconds)
        return {"watch": watch, "ended": ended, "status": self._ended.get(key)}

    def list(self) -> list[dict[str, Any]]:
        """Return what is loaded."""
        return [
            {
                "watch": entry.loaded.order.watch,
                "group": entry.loaded.order.group,
                "argv": list(entry.loaded.order.argv),
                "service": entry.loaded.order.service,
                "monitored": entry.loaded.order.policy.monitor,
                "restarts": entry.loaded.count.restarts,
                "restarts_max": entry.loaded.order.policy.restarts_max,
                "pid": 0 if entry.lost else entry.loaded.pid,
            }
            for entry in self._entries.values()
        ]

    def _may_load(self, order: Order) -> None:
        if order.key in self._entries:
            other = self._entries[order.key].loaded.order
            raise Refusal(
                "E_DUP",
                f"watch ID {order.watch} is in use, by {other.argv[0]} of group {other.group}",
                "9.2-15",
                f"ARMKILL {other.watch}",
            )
        if order.group not in self._open:
            raise _not_here(order)
        if len(self._entries) >= PROGRAMS_MAX:
            raise Refusal("E_LIMIT", f"{PROGRAMS_MAX} programs are loaded on this server", "9.2-15")

    def _find(self, watch: str) -> Entry:
        entry = self._entries.get(watch.casefold())
        if entry is None:
            raise Refusal("E_NOTFOUND", f"watch ID {watch} is not known on this server", "6.3-08")
        return entry

    # -- watching ---------------------------------------------------------------------------------------

    def _watch(self, entry: Entry) -> None:
        entry.watcher = asyncio.create_task(self._guarded(entry))

    async def _guarded(self, entry: Entry) -> None:
        try:
            await self._follow(entry)
        except Exception as failure:  # noqa: BLE001 - a bug with one program must not stop the daemon
            self._failed(f"watch of {entry.loaded.order.watch}", failure)

    async def _follow(self, entry: Entry) -> None:
        """Wait for faults, one after the other, and do what the table says."""
        order = entry.loaded.order
        why = await entry.target.fault()
        while True:
            if order.group in self._stopping:
                return
            action, entry.loaded.count = fault(order.policy, entry.loaded.count, clock.now_ms())
            fields = {"watch": order.watch, "group": order.group, "reason": why, "action": action}
            severity = "info" if action == NOTHING else "warning"
            self._log("program_lost", severity, {**fields, "restarts": entry.loaded.count.restarts})
            if action == RESTART:
                why = await self._again(entry)
            elif action == NOTHING:
                self._ended[order.key] = entry.target.status
                if len(self._ended) > ENDED_MAX:
                    del self._ended[next(iter(self._ended))]
                entry.lost = True
                entry.gone.set()
                await self._drop_lost(entry)
                return
            elif action == RESTART_SCRIPTS:
                self._beside(self._scripts_again(entry, why))
                return
            else:
                await self._leave(entry, action, why)

    async def _again(self, entry: Entry) -> str:
        """Start it again; return its next fault."""
        await entry.target.end(END_S)  # what a lost process has left behind
        await clock.pause(RESTART_PAUSE_S)
        entry.loaded.count = Count(entry.loaded.count.restarts, clock.now_ms())
        self._save()
        try:
            await entry.target.start()
        except Refusal as refusal:
            return str(refusal)
        self._save()
        return await entry.target.fault()

    async def _scripts_again(self, entry: Entry, why: str) -> None:
        """Run the group's scripts again; they load their programs anew, with the counts kept (6.3-14)."""
        group = entry.loaded.order.group
        reason = f"watch {entry.loaded.order.watch}: {why}"
        mine = [each.loaded for each in self._entries.values() if each.loaded.order.group == group]
        self._carried[group] = {each.order.key: each.count for each in mine}
        try:
            await self._request("group.restart_scripts", {"group": group, "reason": reason})
        except Refusal as refusal:
            self._log("program_cannot_act", "error", {"group": group, "reason": f"{reason}; {refusal}"})
        finally:
            self._carried.pop(group, None)

    async def _leave(self, entry: Entry, action: str, why: str) -> None:
        """Beyond the threshold: ask until the group has gone; what forbids it is told once (6.3-15)."""
        order = entry.loaded.order
        reason = f"watch {order.watch}: {why}, after {entry.loaded.count.restarts} restarts"
        told = ""
        while True:
            try:
                if action == FAIL_OVER:
                    await self._request("group.failover", {"group": order.group, "reason": reason})
                else:
                    await self._shut_down(reason)
                await clock.pause(SETTLE_S)
            except Refusal as refusal:
                if told != refusal.message:
                    told = refusal.message
                    fields = {"watch": order.watch, "group": order.group, "reason": f"{reason}; {refusal}"}
                    self._log("program_cannot_act", "error", fields)
                await clock.pause(AGAIN_S)

    # -- the table --------------------------------------------------------------------------------------

    def _target(self, loaded: Loaded) -> Target:
        if loaded.order.service:
            return Service(loaded)
        return Program(loaded, self._log_file(loaded.order))

    def _log_file(self, order: Order) -> Path:
        name = "".join(letter if letter.isalnum() else "_" for letter in f"{order.group}-{order.key}")
        return self._paths.scripts / f"{name[:200]}-program.log"

    async def _end(self, entry: Entry, grace_s: float) -> str:
        """Stop watching, end it, forget it; return what could not be ended."""
        if entry.watcher is not None:
            entry.watcher.cancel()
            await asyncio.gather(entry.watcher, return_exceptions=True)
        left = await entry.target.end(grace_s)
        if left:
            order = entry.loaded.order
            self._log(
                "program_not_ended", "error", {"watch": order.watch, "group": order.group, "left": left}
            )
        self._forget(entry)
        return left

    async def _drop_lost(self, entry: Entry) -> None:
        """A lost program keeps its watch ID for as long as anything of it lives."""
        if entry.lost and not await entry.target.remains():
            self._forget(entry)

    def _forget(self, entry: Entry) -> None:
        if self._entries.get(entry.loaded.order.key) is entry:
            del self._entries[entry.loaded.order.key]
            self._save()
        entry.gone.set()

    def _save(self) -> None:
        kept = [entry.loaded.to_json() for entry in self._entries.values()]
        store.write_json(self._paths.programs, {"loaded": kept})

    def _beside(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._side.add(task)
        task.add_done_callback(self._side.discard)

    async def _trim_logs(self) -> None:
        """What programs say is bounded too."""
        while True:
            await clock.pause(TRIM_S)
            with contextlib.suppress(OSError):
                for entry in self._entries.values():
                    trim_log(self._log_file(entry.loaded.order))


def _not_here(order: Order) -> Refusal:
    return Refusal(
        "E_STATE",
        f"watch {order.watch}: group {order.group} neither starts nor is active on this server",
        "6.3-07",
        f"twinset group start {order.group}",
    )
