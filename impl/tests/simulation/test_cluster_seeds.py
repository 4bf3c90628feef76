"""Seeded worlds of two servers: no seed breaks an invariant, and the seeds are worth playing."""

from __future__ import annotations

from collections import Counter

import pytest

from twinset.cluster.groups import GROUP_STATES
from twinset.cluster.membership import LIVENESS, PHASES
from twinset.simulation.cluster import coverage_report, play

SEEDS = range(1, 81)
# Seeds that once found something: what a paused daemon had waiting was overtaken by what was new; an operator's request
# that had been passed on was never answered after its server had been isolated.
FOUND = (330072, 335110)
RARE = {
    ("returning", "starting"),
    ("starting", "stopped"),
    ("start_failed", "inactive"),
    ("stopping", "expelled"),
}


def test_no_seed_breaks_an_invariant() -> None:
    """Whatever is cut, crashed, paused, restarted or asked: the promises of the cluster hold."""
    steps = faults = 0
    seen: Counter[tuple[str, str, str]] = Counter()
    checked: Counter[str] = Counter()
    for seed in SEEDS:
        outcome = play(seed)
        replay = f"python -m twinset.simulation.cluster --seed {seed} --trace"
        assert not outcome.found, f"seed {seed}: {outcome.found}\nreplay: {replay}"
        steps += outcome.steps
        faults += outcome.faults
        seen += outcome.world.coverage
        checked += outcome.world.invariants.checked
    print(coverage_report(seen))  # noqa: T201 - shown with the output of the test
    assert steps / len(SEEDS) >= 500
    assert faults / len(SEEDS) >= 3
    assert min(checked.values()) > 0, checked
    assert len(checked) >= 18, f"an invariant was never checked: {sorted(checked)}"
    tables = (("phase", PHASES), ("liveness", LIVENESS), ("group", GROUP_STATES))
    edges = {
        (kind, before, after)
        for kind, table in tables
        for (before, _), after in table.items()
        if before != after and (before, after) not in RARE
    }
    assert not edges - set(seen), "transitions that no seed takes"


@pytest.mark.parametrize("seed", FOUND)
def test_a_seed_that_found_something_finds_nothing_any_more(seed: int) -> None:
    """What a long run has found stays found."""
    assert not play(seed).found


def test_a_seed_is_a_seed() -> None:
    """The same seed plays the same world, line by line."""
    assert play(7).journal == play(7).journal
