"""The faults of a real round, played in the simulated world."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from twinset.errors import ProtocolError
from twinset.mirror.write_path import SourcePath
from twinset.simulation.mirror import play
from twinset.simulation.mirror_mutants import MUTANTS
from twinset.simulation.mirror_scenario import REPAIR, STRIKE, ScenarioWorld, Step, parse


def step(do: str, fault: str, side: str, writes: int, *events: str) -> dict[str, Any]:
    return {"do": do, "fault": fault, "side": side, "writes": writes, "events": list(events)}


def scenario(*steps: dict[str, Any]) -> str:
    return json.dumps({"format": 1, "round": "a test", "steps": list(steps)})


def fault_and_repair(fault: str, side: str = "active") -> list[Step]:
    return parse(scenario(step(STRIKE, fault, side, 10), step(REPAIR, fault, side, 10)))


@pytest.mark.parametrize("side", ["active", "standby"])
@pytest.mark.parametrize("fault", ScenarioWorld.FAULTS)
def test_every_fault_of_a_soak_strikes_and_is_repaired_here(fault: str, side: str) -> None:
    """Both steps are done, no other fault comes, no promise is broken, and the sides become equal again."""
    for seed in range(1, 4):
        world, violation = play(
            seed, world_type=partial(ScenarioWorld, scenario=fault_and_repair(fault, side))
        )
        assert violation == ""
        assert (world.faults.count, world.faults.kinds) == (2, {})


def test_a_step_waits_for_writes_and_for_what_the_mirror_told_before_it() -> None:
    """The power comes back after the break, not before: so the standby side has missed something."""
    steps = parse(
        scenario(step(STRIKE, "power", "standby", 5), step(REPAIR, "power", "standby", 5, "mirror_break"))
    )
    for seed in range(1, 6):
        world, violation = play(seed, world_type=partial(ScenarioWorld, scenario=steps))
        assert violation == ""
        assert world.events["mirror_break"] == 1
        assert world.events["high_speed_copy"] == 1


def test_a_scenario_finds_a_bug_that_its_faults_meet() -> None:
    """A side goes on alone without a proof when the mirror connects are cut, and dies: writes are lost (R1)."""
    cut, power = step(STRIKE, "cut-mirrors", "", 5), step(STRIKE, "power", "active", 5)
    steps = parse(
        scenario(cut, power, step(REPAIR, "cut-mirrors", "", 0), step(REPAIR, "power", "active", 0))
    )

    def found() -> list[str]:
        return [play(seed, world_type=partial(ScenarioWorld, scenario=steps))[1] for seed in range(1, 11)]

    assert not any(found())
    with MUTANTS["solo-without-proof"].applied():
        assert any(found())


def test_a_disk_that_fails_only_reads_marks_nothing_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the scenario of `disk-read-active` found when first played, and finds with the fault put back (R3)."""
    steps = parse(scenario(step(STRIKE, "disk-read", "active", 20), step(REPAIR, "disk-read", "active", 15)))
    world_type = partial(ScenarioWorld, scenario=steps)
    assert play(4, world_type=world_type)[1] == ""
    monkeypatch.setattr(SourcePath, "mirrors", True)
    assert "3 cover" in play(4, world_type=world_type)[1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 2, "steps": []}',
        '{"format": 1}',
        scenario({"do": STRIKE}),
        scenario(step(STRIKE, "flood", "active", 1)),
        scenario(step("mend", "power", "active", 1)),
        scenario(step(STRIKE, "power", "server1", 1)),
    ],
)
def test_what_is_no_scenario_is_refused(text: str) -> None:
    """Format, steps, faults and sides are looked at before anything is played."""
    with pytest.raises(ProtocolError, match="scenario"):
        parse(text)
