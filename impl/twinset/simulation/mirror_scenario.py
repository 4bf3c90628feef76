"""The world of `mirror_world.py` in which the faults of a real round strike, in their order, and no others.

`python -m harness.soak` leaves a scenario of a round that failed: which fault struck or was repaired, on which side,
after how many acknowledged writes and after which events of the mirror. What a seed chooses is all the rest: what
disks and connections do in between. So `--scenario FILE --seeds N` looks for the order in which the core errs.

A scenario is `{"format": 1, "round": text, "steps": [{"do": "strike" or "repair", "fault": name, "side": "active",
"standby" or "", "writes": number, "events": [names]}]}`. Sides are those of the moment at which it begins.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from twinset.errors import ProtocolError
from twinset.mirror.cluster_partition import State

from .mirror_world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from .mirror_server import Server

FORMAT: Final = 1
PATIENCE_STEPS: Final = 400  # an event that this seed does not bring is not waited for any longer
BLINK_STEPS: Final = 30
STRIKE, REPAIR = "strike", "repair"


@dataclass(frozen=True)
class Step:
    """One thing that happened to the pair, and what had happened before it."""

    do: str
    fault: str
    side: str
    writes: int
    events: tuple[str, ...]


def parse(text: str) -> list[Step]:
    """Return the steps of a scenario. Raises ProtocolError with what is wrong in it."""
    try:
        values = json.loads(text)
        if values["format"] != FORMAT:
            raise ProtocolError(f"a scenario of format {values['format']!r}, not {FORMAT}")
        steps = [
            Step(each["do"], each["fault"], each["side"], int(each["writes"]), tuple(each["events"]))
            for each in values["steps"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"no scenario: {type(error).__name__} {error}") from None
    for step in steps:
        if step.do not in (STRIKE, REPAIR) or step.fault not in ScenarioWorld.FAULTS:
            raise ProtocolError(f"a scenario with the unknown step {step.do} {step.fault}")
        if step.side not in ("active", "standby", ""):
            raise ProtocolError(f"a scenario with the side {step.side!r}")
    return steps


class ScenarioWorld(World):
    """Two sides in step; one of them serves; then the steps, each when its time has come; then all is repaired."""

    def __init__(self, seed: int, *, trace: bool = False, scenario: list[Step]) -> None:
        self.scenario = list(scenario)
        self.active = -1  # the server that served when the scenario began
        self.before: dict[str, int] = {}  # events, when the last step was done
        self.written = self.since = 0
        self.unfinished: list[Callable[[], bool]] = []  # what is tried again until it is done
        super().__init__(seed, trace=trace, steps=300 + 500 * len(scenario))
        self.faults.rate = 0.0
        self.faults.stops = 0.0
        self.faults.disks_fail = True  # a technician comes, at the end at the latest

    def _begin(self) -> None:
        self.generation = 2
        for server in self.servers:
            record = self._record(server.index, State.IN_SYNC, 1)
            server.disk.slow = self.faults.slow_disks
            server.disk.record_durable = server.disk.record_latest = record

    def step(self) -> None:
        """Do what is due, then what the seed says."""
        self.unfinished = [again for again in self.unfinished if not again()]
        if self.active < 0:
            if self.normal():
                self.active = next(s.index for s in self.servers if s.process and s.process.side.serving)
                self._next()
        elif self.scenario and self._due(self.scenario[0]):
            step = self.scenario.pop(0)
            self.faults.count += 1
            self.note(self._server(step.side).index, f"scenario: {step.do} {step.fault} {step.side}")
            strike, repair, more = self.FAULTS[step.fault]
            (strike if step.do == STRIKE else repair)(self, self._server(step.side), *more)
            self._next()
        super().step()

    def _next(self) -> None:
        self.before, self.written, self.since = dict(self.events), self.client.acknowledged, self.step_count

    def _due(self, step: Step) -> bool:
        disk = step.do == STRIKE and step.fault.startswith("disk-")
        if disk and not self.faults.spares_a_disk(self._server(step.side).index):
            return False
        if self.step_count - self.since > PATIENCE_STEPS:
            return True
        seen = all(self.events.get(name, 0) > self.before.get(name, 0) for name in step.events)
        return seen and self.client.acknowledged - self.written >= step.writes

    def _server(self, side: str) -> Server:
        return self.servers[1 - self.active if side == "standby" else self.active]

    # -- what strikes -----------------------------------------------------------------------------------

    def _power(self, server: Server) -> None:
        if not self.faults.protected(server.index):
            self.crash_server(server)
            server.stays_off = True

    def _kill(self, server: Server) -> None:
        if server.process is not None:
            server.process.crash_in = self.rng.choice((0, 1, 2, 4, 8))
            server.process.crash_server = server.process.maps_lost = False

    def _lease(self, server: Server) -> None:
        if server.process is not None and not server.paused:
            self.run(server.process, server.process.side.freeze, "the lease has run out")

    def _pause(self, server: Server) -> None:
        server.paused = server.up
        self.faults.long_pause(server.index)

    def _blink(self, server: Server) -> None:
        server.paused = server.up
        until = self.step_count + self.rng.randrange(1, BLINK_STEPS)
        self.unfinished.append(lambda: self.step_count >= until and self._resumed(server))

    def _cut_path(self, _server: Server, number: int) -> None:
        conn = next((s.process.conn for s in self.servers if s.process and s.process.conn), None)
        if conn is not None:
            conn.cut_path(self.rng, number)

    def _cut_link(self, server: Server) -> None:
        self.faults.cut_link(server.index)

    def _disk_fails(self, server: Server, kind: str) -> None:
        disk = server.disk
        disk.bad = True
        disk.bad_reads, disk.bad_writes, disk.bad_flushes = (
            kind == each for each in ("read", "write", "flush")
        )

    # -- what is repaired -------------------------------------------------------------------------------

    def _powered(self, server: Server) -> None:
        server.stays_off = False

    def _resumed(self, server: Server) -> bool:
        self.faults.resume(server.index)
        return not server.paused

    def _wake(self, server: Server) -> None:
        self.unfinished.append(lambda: self._resumed(server))

    def _paths_back(self, _server: Server, _number: int) -> None:
        for server in self.servers:
            if server.process is not None and server.process.conn is not None:
                server.process.conn.new_path()

    def _link_back(self, server: Server) -> None:
        self.faults.heal_link(server.index)

    def _mend(self, server: Server, _kind: str) -> None:
        """A technician comes once the failure is known; a disk that nobody has missed works again."""
        until = self.step_count + PATIENCE_STEPS

        def mended() -> bool:
            self.faults.technician()
            if self.step_count >= until:
                server.disk.bad = False
            return not server.disk.bad

        self.unfinished.append(mended)

    def _nothing(self, _server: Server) -> None:
        """The mirror does not notice: heartbeats go over the other LANs; a process is started again by itself."""

    # The word of the soak for a fault, what strikes, what repairs it, and what both are told beside the server.
    FAULTS: ClassVar[dict[str, tuple[Callable[..., None], Callable[..., None], tuple[Any, ...]]]] = {
        "power": (_power, _powered, ()),
        "kill-mirrord": (_kill, _nothing, ()),
        "kill-twinsetd": (_lease, _nothing, ()),
        "pause": (_pause, _wake, ()),
        "blink": (_blink, _nothing, ()),
        "cut-ic1": (_cut_path, _paths_back, (0,)),
        "cut-ic2": (_cut_path, _paths_back, (1,)),
        "cut-mirrors": (_cut_link, _link_back, ()),
        "cut-public": (_nothing, _nothing, ()),
        "disk-read": (_disk_fails, _mend, ("read",)),
        "disk-write": (_disk_fails, _mend, ("write",)),
        "disk-flush": (_disk_fails, _mend, ("flush",)),
    }
