"""Every event is provoked by some test: it is named there, the simulation brings it about, or a list names the test."""

import functools
import tomllib
from pathlib import Path

from twinset.events_catalogue import CATALOGUE
from twinset.simulation.cluster import play

ROOT = Path(__file__).resolve().parents[2]
LISTED = tomllib.loads((Path(__file__).parent / "events_provoked.toml").read_text())["tests"]
SEEDS = range(1, 26)
THIS = Path(__file__).name


@functools.cache
def texts() -> str:
    """Every test of the project, this one left out."""
    files = [
        path
        for part in ("impl/tests", "harness/tests", "conformance")
        for path in sorted((ROOT / part).rglob("*.py"))
        if path.name != THIS
    ]
    return "\n".join(path.read_text() for path in files)


@functools.cache
def simulated() -> frozenset[str]:
    """The events that a few seeds of the simulated cluster bring about."""
    found: set[str] = set()
    for seed in SEEDS:
        outcome = play(seed)
        assert not outcome.found, outcome.found
        found |= {key[2] for key in outcome.world.coverage if key[0] == "event"}
    return frozenset(found)


def unprovoked() -> set[str]:
    """Events that only the list can account for."""
    return {name for name in CATALOGUE if f'"{name}"' not in texts() and name not in simulated()}


def test_every_event_is_provoked() -> None:
    """None can be forgotten, none has an excuse, and none is listed that is no event."""
    assert sorted(unprovoked() - set(LISTED)) == []
    assert sorted(set(LISTED) - set(CATALOGUE)) == []


def test_the_tests_that_are_named_are_there() -> None:
    """By file, or by file and function."""
    for event, where in LISTED.items():
        path, _, name = where.partition("::")
        text = (ROOT / path).read_text()
        assert not name or f"def {name}(" in text, f"{event}: {where}"


def test_the_simulation_brings_about_what_is_said_of_it() -> None:
    """Else the rest of this module would prove little."""
    assert {"server_down", "declared_down", "group_fails_over", "server_phase"} <= simulated()
