"""One walk through every branch of the sample scripts of 4.5.2, made once on the configuration "samples".

The cases judge which way the port's variables led, and what came of it.
"""

import contextlib
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.suite.commands import Commands
from conformance.suite.errors import WaitTimeout
from conformance.suite.pair import SERVERS, Pair
from conformance.suite.refusals import refusal
from conformance.suite.sample_texts import BESIDE, DISKFAIL, GROUP, START, diskfail_bat, start_bat
from conformance.suite.wait import wait_for

SET = "set1"
HOME, AWAY = SERVERS
MARKS_S = 20.0  # for what the scripts do by themselves once their group is there


@dataclass(frozen=True)
class Ran:
    """One run of a script of the sample: what it was told, and the labels that it came by."""

    server: str
    file: str
    group: str
    told: tuple[str, str, str]  # ARMS_EVENT, ARMS_SERVER, ARMS_DISK
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Sampled:
    """What was seen of each occasion: the runs of the scripts in order, and where the group was afterwards."""

    runs: dict[str, list[Ran]] = field(default_factory=dict)
    places: dict[str, str | None] = field(default_factory=dict)
    by_hand: dict[str, list[Ran]] = field(
        default_factory=dict
    )  # by the word that ARMS_EVENT was; "" for none

    def starts(self, occasion: str, server: str, group: str = GROUP) -> list[Ran]:
        """The runs of the start script."""
        return self._of(occasion, server, group, START)

    def helpers(self, occasion: str, server: str) -> list[Ran]:
        """The runs of diskfail.bat."""
        return self._of(occasion, server, GROUP, DISKFAIL)

    def _of(self, occasion: str, server: str, group: str, file: str) -> list[Ran]:
        return [r for r in self.runs[occasion] if (r.server, r.group, r.file) == (server, group, file)]


def sampled(pair: Pair) -> Sampled:
    """The walk, made once."""
    return pair.remembered("sampled", lambda pair: _Walk(pair).walked())


class _Walk:
    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.seen = Sampled()
        self.scratch = pair.see.scratch
        self.mirrors = [n["name"] for n in pair.provisioned["networks"] if "mirror" in n["roles"]]
        self.before: dict[str, int] = {}  # how many marks each server had when the occasion began

    def walked(self) -> Sampled:
        pair = self.pair
        for server in SERVERS:
            text = shlex.quote(diskfail_bat(self.scratch))
            Commands(pair, server).shell(f"printf %s {text} > {self.scratch}/diskfail.bat")
        for word in ("", "SHUTDOWN"):
            self.seen.by_hand[word] = self._by_hand(word)
        for group in (GROUP, BESIDE):
            pair.operate("group.stop", group=group)
            pair.wait_place(group, None)
        self._step("start at home", self._start_both, HOME)
        self._step("start elsewhere", lambda: pair.operate("group.move", group=GROUP, to=AWAY), AWAY)
        self._step("failover to home", lambda: self._armfover(AWAY), HOME)
        self._step("failover elsewhere", lambda: self._armfover(HOME), AWAY)
        self._break(AWAY)
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
        self._step("disk error at home", self._start_without_the_disk, AWAY, until=lambda: self._helped(HOME))
        pair.adapter.request("link", {"action": "heal"})
        pair.wait_set(SET, "NORMAL")
        pair.operate("group.move", group=GROUP, to=HOME)
        pair.wait_place(GROUP, HOME)
        self._break(HOME)
        self._step("disk error elsewhere", self._crash_home, AWAY, until=lambda: self._helped(AWAY))
        kept = pair.settle(lambda s: s.place(GROUP) == AWAY, seen_by=AWAY)
        self.seen.places["after a disk error elsewhere"] = kept.place(GROUP)
        pair.adapter.request("link", {"action": "heal"})
        pair.power_on(HOME)
        pair.wait(lambda s: s.servers.get(HOME) == "Od", "server 1 to be Od", seen_by=AWAY)
        self._step("return", self._return, None, until=self._recovered)
        return self.seen

    def _start_both(self) -> None:
        for group in (GROUP, BESIDE):
            self.pair.operate("group.start", group=group, to=HOME)
            self.pair.wait_place(group, HOME)

    def _start_without_the_disk(self) -> None:
        """The script has its group moved on: whether the operator hears that it had started is the port's affair."""
        refusal(self.pair, "group.start", group=GROUP, to=HOME)

    def _crash_home(self) -> None:
        Commands(self.pair, HOME).shell("sync")  # or the power cut takes marks, or half a line of one
        self.pair.crash(HOME)

    def _return(self) -> None:
        self.pair.operate("server.return", server=HOME)
        self.pair.wait(lambda s: set(s.servers.values()) == {"O"}, "both servers to be O", seen_by=AWAY)

    def _armfover(self, server: str) -> None:
        Commands(self.pair, server).shell(f"ARMFOVER /F {GROUP}")

    def _break(self, latest: str) -> None:
        """The mirror connects are lost and the active server writes: the other one's data is not the latest."""
        for name in self.mirrors:
            self.pair.adapter.request("link", {"network": name, "action": "cut"})
        self.pair.wait_set(SET, "INCONSISTENT", seen_by=latest)
        self.pair.write_file(GROUP, latest, "written-alone")

    # -- marks

    def _step(
        self,
        name: str,
        act: Callable[[], object],
        place: str | None,
        until: Callable[[], bool] = lambda: True,
    ) -> None:
        """Bring an occasion about; keep what the scripts left behind until the group was there and `until` held."""
        self.before = {server: len(self._lines(server)) for server in self._powered()}
        act()
        if place is not None:
            after = self.pair.wait(
                lambda s: s.place(GROUP) == place and s.settled(),
                f"{name}: {GROUP} on {place}",
                seen_by=place,
            )
            self.seen.places[name] = after.place(GROUP)
        with contextlib.suppress(WaitTimeout):  # what is missing, the judge of its clause misses
            wait_for(until, bool, MARKS_S, f"{name}: the marks of the scripts")
        self.seen.runs[name] = [run for server in self._powered() for run in self._since(server)]

    def _by_hand(self, word: str) -> list[Ran]:
        given = f"ARMS_EVENT={word} " if word else ""
        self.before = {HOME: len(self._lines(HOME))}
        text, file = shlex.quote(start_bat(self.scratch)), f"{self.scratch}/{START}"
        Commands(self.pair, HOME).shell(f"printf %s {text} > {file}; {given}sh {file}")
        return self._since(HOME)

    def _powered(self) -> list[str]:
        return [server for server in SERVERS if server in self.pair.now.powered]

    def _helped(self, server: str) -> bool:
        return any(r.file == DISKFAIL and r.labels[-1] == "EXIT" for r in self._since(server))

    def _recovered(self) -> bool:
        ended = {r.group for r in self._since(HOME) if r.told[0] == "RECOVER" and r.labels[-1] == "EXIT"}
        return ended == {GROUP, BESIDE}

    def _lines(self, server: str) -> list[str]:
        return (
            Commands(self.pair, server)
            .shell(f"cat {self.scratch}/marks 2>/dev/null || true")
            .stdout.splitlines()
        )

    def _since(self, server: str) -> list[Ran]:
        """The runs since the occasion began, each process one."""
        found: dict[tuple[str, ...], list[str]] = {}
        for line in self._lines(server)[self.before.get(server, 0) :]:
            *run, label = line.split("|")
            found.setdefault(tuple(run), []).append(label)
        return [
            Ran(server, file, group, (event, place, disk), tuple(labels))
            for (_, file, group, event, place, disk), labels in found.items()
        ]
