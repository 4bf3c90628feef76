"""Every known bug that is put back into the mirror core is found by the simulated world."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from twinset.mirror.side import Side
from twinset.mirror.write_path import SourcePath
from twinset.simulation.mirror_mutants import MUTANTS, find

RULES = Path(__file__).parents[2] / "docs" / "mirror-rules.md"
SEEDS_MAX = 900


@pytest.mark.parametrize("name", MUTANTS)
def test_the_simulation_finds_the_mutant(name: str) -> None:
    """Some seed, soon after the one that found it first, breaks a promise."""
    seed, violation = find(MUTANTS[name], SEEDS_MAX)
    assert violation, (
        f"{name}: {MUTANTS[name].what}, not found in {SEEDS_MAX} seeds from {MUTANTS[name].start}"
    )
    assert seed >= MUTANTS[name].start


def test_the_rules_name_every_mutant() -> None:
    """docs/mirror-rules.md says of each mutant which rule it breaks, and names none that does not exist."""
    text = RULES.read_text()
    chapters = {chapter.split()[0]: chapter for chapter in text.split("## ") if chapter.startswith("R")}
    for name, mutant in MUTANTS.items():
        assert f"`{name}`" in chapters[mutant.rule], f"{name} is missing in {mutant.rule}"
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", "".join(chapters.values())))
    assert named <= set(MUTANTS), named - set(MUTANTS)


def test_mutants_leave_no_trace() -> None:
    """After a mutant the core is whole again."""
    before = (dict(vars(SourcePath)), dict(vars(Side)))
    for mutant in MUTANTS.values():
        with mutant.applied():
            pass
    assert (dict(vars(SourcePath)), dict(vars(Side))) == before
