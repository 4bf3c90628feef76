"""The schedule of a soak, and the record of many."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.errors import HarnessError
from harness.soak import rounds
from harness.soak.kinds import KINDS, SINGLE, Scene, schedule
from harness.soak.record import Failure, Record, missing
from harness.soak.trace import Fact, scenario
from harness.wait import now_s
from twinset.simulation.mirror_scenario import parse


def test_a_seed_replays_its_schedule_and_leaves_no_kind_out() -> None:
    """The same seed draws the same rounds; a whole cycle holds every kind once."""
    names = schedule(len(KINDS), 7)
    assert names == schedule(len(KINDS) + 5, 7)[: len(KINDS)]
    assert sorted(names) == sorted(KINDS)
    assert all(part in SINGLE for name in names for part in KINDS[name])


def test_kinds_that_are_wanted_come_first_and_no_more_often_than_wanted() -> None:
    """What a record lacks is played before anything else, by seed; then whole cycles follow."""
    wanted = {"power-active": 2, "cut-ic1": 1}
    names = schedule(3 + len(KINDS), 7, wanted=wanted)
    assert names == schedule(3 + len(KINDS), 7, wanted=wanted)
    assert sorted(names[:3]) == ["cut-ic1", "power-active", "power-active"]
    assert sorted(names[:2]) == ["cut-ic1", "power-active"], "a kind in need waits for the others in need"
    assert sorted(names[3:]) == sorted(KINDS)


def test_a_record_goes_on_from_what_is_there(tmp_path: Path) -> None:
    """Rounds, writes and failures of several invocations add up; what is missing shrinks with each round."""
    file = tmp_path / "record.json"
    one = Record.load(file)
    assert sum(missing(one.rounds).values()) == 20 * 15 + 10 * 5
    one.add("power-active", 1_000)
    one.failures.append(Failure("cut-ic1", 7, 3, "waited 60 s"))
    one.save(file)
    two = Record.load(file)
    two.add("power-active", 1_200)
    two.save(file)
    found = Record.load(file)
    assert (found.rounds, found.writes, found.total) == ({"power-active": 2}, 2_200, 2)
    assert found.failures == [Failure("cut-ic1", 7, 3, "waited 60 s")]
    assert missing(found.rounds)["power-active"] == 13
    assert [each.name for each in tmp_path.iterdir()] == ["record.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"rounds": {}, "writes": 0}',
        '{"rounds": {"a flood": 1}, "writes": 0, "failures": []}',
        '{"rounds": {}, "writes": 0, "failures": [{"kind": "cut-ic1"}]}',
    ],
)
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    """Nothing is added to what cannot be read; the file stays as it is."""
    file = tmp_path / "record.json"
    file.write_text(text)
    with pytest.raises(HarnessError, match=r"record\.json"):
        Record.load(file)
    assert file.read_text() == text


def test_a_kind_is_no_longer_missing_once_its_target_is_reached() -> None:
    """Fifteen rounds of a kind, five of a pair; more of one kind make up for nothing of another."""
    enough = {name: 15 if len(parts) == 1 else 5 for name, parts in KINDS.items()}
    assert missing(enough) == {}
    assert missing({**enough, "cut-ic1": 14, "power-active": 100}) == {"cut-ic1": 1}


@pytest.mark.parametrize("name", KINDS)
def test_the_trace_of_a_round_becomes_a_scenario_that_the_simulation_takes(name: str) -> None:
    """Every kind: what was done in order, after how many writes, and what the mirror told in between."""
    facts = [Fact(10.0 + at, "strike", part, 230 + 40 * at) for at, part in enumerate(KINDS[name])]
    facts += [Fact(20.0 + at, "repair", part, 500) for at, part in enumerate(KINDS[name])]
    events = [
        {"time": time.time() - now_s() + at_s, "event": event}
        for at_s, event in ((5.0, "mirror_normal"), (15.0, "mirror_break"), (15.5, "server_down"))
    ]
    steps = parse(json.dumps(scenario(name, facts, events, began_s=1.0)))
    assert [step.do for step in steps] == ["strike"] * len(KINDS[name]) + ["repair"] * len(KINDS[name])
    assert ["-".join(filter(None, (step.fault, step.side))) for step in steps] == [*KINDS[name]] * 2
    assert (steps[0].writes, steps[0].events) == (23, ("mirror_normal",))
    assert steps[len(KINDS[name])].events == ("mirror_break",), "what daemons tell is no part of it"


def test_the_readme_says_what_the_record_holds() -> None:
    """harness/README.md claims of the long soak the rounds that were played, and those that are missing, no more."""
    harness = Path(__file__).parents[1]
    said = " ".join((harness / "README.md").read_text(encoding="utf-8").split())
    assert f"`harness/soak/record.json`: {Record.load(harness / 'soak' / 'record.json').summary()}." in said


def test_a_round_that_fails_leaves_its_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done before it failed lies with the artefacts of the lab, as the simulation takes it."""

    def fails(scene: Scene, _name: str) -> None:
        scene.note("strike", "power-standby")
        raise HarnessError("waited in vain")

    monkeypatch.setattr(rounds, "_play", fails)
    lab = SimpleNamespace(servers=[], artefacts=SimpleNamespace(directory=tmp_path))
    scribe = SimpleNamespace(written=lambda: 250)
    running = SimpleNamespace(lab=lab, active=None, standby=None, write=lambda: scribe)
    with pytest.raises(HarnessError, match="in vain"):
        rounds.play(running, "power-standby", 7, 3)  # type: ignore[arg-type]
    (step,) = parse((tmp_path / "scenario-3.json").read_text())
    assert (step.do, step.fault, step.side, step.writes) == ("strike", "power", "standby", 25)
