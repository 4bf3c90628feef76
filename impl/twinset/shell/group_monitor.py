"""Looks at running groups again and again, and tells the core what is lost (6.1-09, 6.3-19, 6.3-20).

One task a subject; monitoring/looks.py decides what a look calls for. A group that does not run here, or a server
without a lease, is not looked at, and its streaks begin anew.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from twinset.cluster import events
from twinset.errors import Refusal, TwinsetError
from twinset.monitoring import looks
from twinset.resources.monitor import look, plan
from twinset.shell import clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from twinset.config.cluster import ClusterConfig, Group
    from twinset.resources.context import Context, System

INTERVAL_FLOOR_S: Final = 0.5

Request = "Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]"


class GroupMonitor:
    """All subjects of all groups of this server."""

    def __init__(
        self,
        config: ClusterConfig,
        me: str,
        scale: float,
        system: System,
        context: Callable[[str, str, int], Context],
        running: Callable[[], Collection[str]],
        feed: Callable[[events.Event], None],
        request: Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]],
        down: Callable[[str], Awaitable[str]],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        """`context` makes that of group, kind and index; `running` names the groups that run here undisturbed."""
        self._config = config
        self._me = me
        self._scale = scale
        self._system = system
        self._context = context
        self._running = running
        self._feed = feed
        self._request = request
        self._down = down
        self._failed = failed
        self._held: set[str] = set()  # groups whose public LAN is lost on both servers, as was told
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to look."""
        self._tasks = [
            asyncio.create_task(self._watch(group, subject))
            for group in self._config.groups
            for subject in plan.subjects(group)
        ]

    async def stop(self) -> None:
        """Look no longer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self, group: Group, subject: looks.Subject) -> None:
        seen = looks.Seen()
        pause_s = max(INTERVAL_FLOOR_S, plan.interval_s(group, subject) * self._scale)
        while True:
            await clock.pause(pause_s)
            if not self._looks_at(group):
                seen = looks.Seen()
                continue
            try:
                reason = await look.look(self._context(group.name, subject.kind, subject.index), subject)
                verdict, seen = seen.look(subject, good=not reason)
                if self._looks_at(group):
                    await self._follow(group, subject, verdict, reason)
            except (TwinsetError, OSError) as error:
                self._failed(f"monitor {subject.kind} of {group.name}", error)
            except Exception as error:  # noqa: BLE001 - a bug in one look must not end the others
                self._failed(f"monitor {subject.kind} of {group.name}", error)

    def _looks_at(self, group: Group) -> bool:
        return group.name in self._running() and self._system.lease_left_s() > 0

    async def _follow(self, group: Group, subject: looks.Subject, verdict: str, reason: str) -> None:
        if verdict == looks.FINE and subject.kind == looks.PUBLIC_LAN:
            self._held.discard(group.name)
        if verdict == looks.COMPARE and not await self._better_elsewhere(group, reason):
            return
        if verdict in (looks.ACT, looks.COMPARE):
            if plan.shuts_down(group, subject):
                await self._shut_down(group, subject, reason)
            else:
                self._feed(events.ResourceLost(group.name, subject.kind, subject.index, reason))

    async def _better_elsewhere(self, group: Group, reason: str) -> bool:
        """Ask the other server how its public LAN is; told once when it is no better."""
        peer = self._config.peer_of(self._me).name
        targets = list(group.monitor.public_lan_targets)
        try:
            other = await self._request("lan.probe", {"server": peer, "targets": targets})
        except Refusal as refusal:
            other = {"good": False, "reason": str(refusal)}
        if other.get("good"):
            return True
        if group.name not in self._held:
            self._held.add(group.name)
            fields = {"group": group.name, "reason": reason, "other": f"{peer}: {other.get('reason')}"}
            self._system.log("public_lan_lost", "error", fields)
        return False

    async def _shut_down(self, group: Group, subject: looks.Subject, reason: str) -> None:
        text = f"{subject.kind} {subject.index} of group {group.name}: {reason}"
        try:
            await self._down(text)
        except Refusal as refusal:
            fields = {"group": group.name, "reason": f"{text}; not shut down: {refusal}"}
            self._system.log("resource_lost", "error", fields)
