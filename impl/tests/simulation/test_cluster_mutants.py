"""Every rule of the cluster core that is dropped is missed by some seed of the simulation."""

from __future__ import annotations

import pytest

from twinset.simulation.cluster_mutants import MUTANTS, Mutant, find

SEEDS_MAX = 400


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_simulation_finds_the_mutant(mutant: Mutant) -> None:
    """Some seed breaks an invariant when this rule is dropped."""
    seed, found = find(mutant, range(1, SEEDS_MAX + 1))
    assert seed > 0, f"no seed up to {SEEDS_MAX} misses the rule: {mutant.rule}"
    assert found


def test_mutants_leave_no_trace() -> None:
    """After a mutant the core is whole again."""
    for mutant in MUTANTS:
        before = [owner.__dict__[name] for owner, name, _ in mutant.changes]
        with mutant.applied():
            pass
        assert [owner.__dict__[name] for owner, name, _ in mutant.changes] == before
