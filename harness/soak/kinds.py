"""The kinds of faults of a soak: how each strikes, what has to come of it, how an operator repairs it.

A pair is two kinds at once that the promises allow: together they do not take both copies of the data.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.scribe import Scribe
from harness.labs.server import Server
from harness.soak.trace import Fact
from harness.wait import now_s, wait_for

DATA_PARTITION = 2
DIRECTIONS = ("both", "silent", "in", "out")


@dataclass
class Scene:
    """One round: the pair, who was what when it began, its writers, and whether the group has to move."""

    running: Pair
    random: Random
    active: Server
    standby: Server
    scribes: list[Scribe]
    moves: bool = False
    away: list[Server] = field(default_factory=list)  # servers to be given back
    facts: list[Fact] = field(default_factory=list)

    def side(self, name: str) -> Server:
        """The server that was active, or standby, when the round began."""
        return self.active if name == "active" else self.standby

    def note(self, do: str, kind: str) -> None:
        """Keep that a fault strikes, or is repaired, now."""
        writes = sum(scribe.written() for scribe in self.scribes)
        self.facts.append(Fact(now_s(), do, kind, writes))


@dataclass(frozen=True)
class Kind:
    """One fault. `moves`: the group has to go to the other server."""

    strike: Callable[[Scene], None]
    settle: Callable[[Scene], None] = lambda _scene: None
    repair: Callable[[Scene], None] = lambda _scene: None
    moves: bool = False


def _power(side: str) -> Kind:
    def strike(scene: Scene) -> None:
        scene.running.lab.power_off(scene.side(side))

    def settle(scene: Scene) -> None:
        if side == "standby":
            pair.await_server(scene.active, scene.standby.name, "Xd", LATE_S)

    def repair(scene: Scene) -> None:
        scene.running.lab.power_on(scene.side(side))
        scene.away.append(scene.side(side))

    return Kind(strike, settle, repair, moves=side == "active")


def _kill(program: str, side: str) -> Kind:
    def strike(scene: Scene) -> None:
        scene.side(side).kill_program(program)

    def settle(scene: Scene) -> None:
        victim = scene.side(side)
        wait_for(lambda: victim.pids_of(program) and victim.status(), SOON_S, f"a new {program}")

    return Kind(strike, settle)


def _pause(side: str) -> Kind:
    def strike(scene: Scene) -> None:
        scene.side(side).pause()

    def settle(scene: Scene) -> None:
        if side == "standby":
            pair.await_server(scene.active, scene.standby.name, "Xd", LATE_S)

    def repair(scene: Scene) -> None:
        scene.side(side).resume()
        scene.running.await_one_active()
        scene.away.append(scene.side(side))

    return Kind(strike, settle, repair, moves=side == "active")


def _blink(side: str) -> Kind:
    """A pause shorter than every time-out."""

    def strike(scene: Scene) -> None:
        scene.side(side).pause()
        scene.side(side).resume()

    return Kind(strike)


def _cut(*lans: str) -> Kind:
    def strike(scene: Scene) -> None:
        direction = scene.random.choice(DIRECTIONS)
        for lan in lans:
            scene.running.lab.cut(lan, [scene.standby], direction)

    def repair(scene: Scene) -> None:
        for lan in lans:
            scene.running.lab.heal(lan)

    return Kind(strike, repair=repair)


def _disk(kind: str, side: str) -> Kind:
    def strike(scene: Scene) -> None:
        scene.side(side).fail_disk(kind, partition=DATA_PARTITION)

    def settle(scene: Scene) -> None:
        if side == "standby" and kind != "read":  # who stands by reads nothing
            scene.running.await_break(scene.active)

    def repair(scene: Scene) -> None:
        server = scene.side(side)
        server.fail_disk(None)
        if side == "standby" and kind == "read":
            return
        scene.running.lab.power_off(server)
        scene.running.lab.power_on(server)
        pair.await_daemons(scene.running.lab)
        scene.away.append(server)

    return Kind(strike, settle, repair, moves=side == "active")


SIDES = ("active", "standby")
SINGLE: dict[str, Kind] = {
    **{f"power-{side}": _power(side) for side in SIDES},
    **{f"kill-twinsetd-{side}": _kill("twinsetd", side) for side in SIDES},
    **{f"kill-mirrord-{side}": _kill("twinset-mirrord", side) for side in SIDES},
    **{f"pause-{side}": _pause(side) for side in SIDES},
    **{f"blink-{side}": _blink(side) for side in SIDES},
    "cut-ic1": _cut("ic1"),
    "cut-ic2": _cut("ic2"),
    "cut-public": _cut("public"),
    "cut-mirrors": _cut("ic1", "ic2"),
    **{f"disk-{kind}-{side}": _disk(kind, side) for kind in ("read", "write", "flush") for side in SIDES},
}
PAIRS: tuple[tuple[str, str], ...] = (
    ("cut-ic1", "kill-mirrord-standby"),
    ("cut-ic1", "disk-write-active"),
    ("cut-ic1", "disk-read-active"),
    ("cut-ic2", "power-standby"),
    ("cut-ic2", "power-active"),
    ("kill-twinsetd-active", "kill-twinsetd-standby"),
    ("kill-mirrord-active", "kill-mirrord-standby"),
    ("kill-twinsetd-standby", "disk-flush-active"),
    ("kill-twinsetd-active", "cut-ic1"),
    ("blink-active", "kill-mirrord-standby"),
)
KINDS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in SINGLE},
    **{f"{one}+{two}": (one, two) for one, two in PAIRS},
}


def schedule(
    rounds: int, seed: int, names: list[str] | None = None, wanted: Mapping[str, int] | None = None
) -> list[str]:
    """The kinds of the rounds: every kind once in random order, then again, until there are enough.

    Kinds of which rounds are `wanted` come first, until none is.
    """
    random = Random(seed)
    left = Counter(wanted)
    found: list[str] = []
    while len(found) < rounds:
        every = list(names or KINDS)
        cycle = [name for name in every if left[name] > 0] or every
        random.shuffle(cycle)
        left.subtract(cycle)
        found += cycle
    return found[:rounds]
