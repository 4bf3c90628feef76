"""Walks the pair along the arrows of 6.2.5 and keeps what was observed on each."""

from collections.abc import Callable
from dataclasses import dataclass

from conformance.suite.errors import ConformanceError
from conformance.suite.observers import ScriptRun
from conformance.suite.pair import SERVERS, Pair, Snapshot
from conformance.suite.pictures import PICTURES, Arrow, Picture, arrow, picture_of, route
from conformance.suite.wait import wait_for

SET = "set1"
GROUPS = ("A", "B")
FIP_S = 20.0


@dataclass(frozen=True)
class Walked:
    """One arrow as it was observed."""

    arrow: Arrow
    before: Snapshot
    after: Snapshot
    scripts: tuple[ScriptRun, ...]  # runs during the arrow, on servers that could be asked afterwards
    places: dict[str, str | None]  # who answers for each group's floating IP address, as the client sees it

    def starts(self, group: str) -> list[tuple[str, str, str]]:
        """(server, ARMS_EVENT, ARMS_SERVER) of each start of the group; RECOVER is no start."""
        return [
            (run.server, run.event, run.place)
            for run in self.scripts
            if run.group == group and run.script == "start" and run.event != "RECOVER"
        ]

    def disks(self, group: str) -> list[str]:
        """ARMS_DISK of each start of the group: whether its data could be had there."""
        return [
            run.disk
            for run in self.scripts
            if run.group == group and run.script == "start" and run.event != "RECOVER"
        ]

    def ran(self, group: str, server: str) -> list[str]:
        """Which scripts of the group ran on a server, RECOVER apart."""
        return [
            r.script for r in self.scripts if (r.group, r.server) == (group, server) and r.event != "RECOVER"
        ]


class Walk:
    """The walk-through on a pair whose configuration has groups A and B."""

    def __init__(self, pair: Pair, failback: str) -> None:
        self.pair = pair
        self.failback = failback
        fips = pair.provisioned["floating_ips"]
        self.fips = {"A": fips[0], "B": fips[1]}

    def arrow(self, name: str) -> Walked:
        """What was observed on an arrow: walked now, or earlier in this run; a failed one fails again."""
        if ("arrow", self.failback, name) not in self.pair.memory:
            wanted = arrow(self.failback, name)
            self.go_to(wanted.source)
            self._step(wanted)
        return self._remembered("arrow", self.failback, name)

    def _step(self, step: Arrow) -> Walked:
        """Walk an arrow; one that failed in this run is not tried again: it would only be as slow again."""
        key = ("arrow", self.failback, step.name)
        known = self.pair.memory.get(key)
        if isinstance(known, ConformanceError):
            raise known
        try:
            walked = self._walk(step)
        except ConformanceError as error:
            self.pair.memory[key] = error
            raise
        self.pair.memory.setdefault(key, walked)
        return walked

    def _remembered(self, *key: str) -> Walked:
        found = self.pair.memory[key]
        if isinstance(found, ConformanceError):
            raise found
        if not isinstance(found, Walked):
            raise TypeError(f"{key} holds {found!r}")
        return found

    def after(self, first: str, second: str) -> Walked:
        """What was observed on the second arrow when it was walked right after the first."""
        key = ("arrow", self.failback, first, second)
        if key not in self.pair.memory:
            self.go_to(arrow(self.failback, first).source)
            self._step(arrow(self.failback, first))
            self.pair.memory[key] = self._step(arrow(self.failback, second))
        return self._remembered(*key)

    def go_to(self, name: str) -> None:
        """Bring the pair into a picture by the fewest arrows, or anew when it is in none."""
        here = self._picture()
        way = route(self.failback, here.name, name) if here else None
        if way is None:
            self.pair.set_up(self.pair.now.cluster or f"walk-{self.failback.lower()}")
            way = route(self.failback, "P1", name) or []
        for step in way:
            self._step(step)

    def _picture(self) -> Picture | None:
        return picture_of(facts(self.pair.status())) if self.pair.now.cluster else None

    def _walk(self, step: Arrow) -> Walked:
        with self.pair.spoiled_on_error():
            before = self.pair.status()
            noted = self.pair.now.noted
            noted.update({server: len(self.pair.see.script_runs(server)) for server in self._powered()})
            EVENTS[step.event](self.pair, step.subject)
            target = PICTURES[step.target]
            after = self.pair.wait(
                lambda s: self._arrived(s, target), f"arrow ({step.name}) to reach {target}"
            )
            places = {
                group: self._place(group, expected)
                for group, expected in zip(GROUPS, (target.a, target.b), strict=True)
            }
            scripts = [
                run for s in self._powered() for run in self.pair.see.script_runs(s)[noted.get(s, 0) :]
            ]
            return Walked(step, before, after, tuple(scripts), places)

    def _powered(self) -> list[str]:
        return [server for server in SERVERS if server in self.pair.now.powered]

    @staticmethod
    def _arrived(snapshot: Snapshot, target: Picture) -> bool:
        """Both servers operating means, at the end of an arrow, that the mirror is whole again too."""
        whole = snapshot.sets.get(SET, {}).get("state") == "NORMAL" or (target.server1, target.server2) != (
            "O",
            "O",
        )
        return facts(snapshot) == target.facts and snapshot.settled() and whole

    def _place(self, group: str, expected: str | None) -> str | None:
        """Who answers for the group's address; looked at until it is the expected one."""
        try:
            return wait_for(
                lambda: self.pair.see.owner_of(self.fips[group]),
                lambda seen: seen == expected,
                FIP_S,
                group,
                poll_s=0.2,
            )
        except ConformanceError:
            return self.pair.see.owner_of(self.fips[group])


def facts(snapshot: Snapshot) -> tuple[str, str, str | None, str | None]:
    """What a picture states, read from a status."""
    servers = [snapshot.servers.get(server, "?") for server in SERVERS]
    return (servers[0], servers[1], snapshot.place("A"), snapshot.place("B"))


EVENTS: dict[str, Callable[[Pair, str], object]] = {
    "cluster-start": lambda pair, _: pair.operate("cluster.start"),
    "cluster-stop": lambda pair, _: pair.operate("cluster.stop"),
    "crash": lambda pair, server: pair.crash(server),
    "power-on": lambda pair, server: pair.power_on(server),
    "return": lambda pair, server: pair.operate("server.return", server=server),
    "move-to-server1": lambda pair, group: pair.operate("group.move", group=group, to="server1"),
    "move-to-server2": lambda pair, group: pair.operate("group.move", group=group, to="server2"),
}
