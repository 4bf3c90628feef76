"""Mandatory, optional, advice: where each comes from."""

from collections import Counter
from pathlib import Path

import pytest

from conformance.suite import levels, registry
from conformance.suite.errors import RegistryError


def test_the_levels_are_frozen() -> None:
    """How many clauses a claim needs does not change unseen."""
    found = Counter(level for level, _ in levels.levels().values())
    assert found == {levels.MANDATORY: 357, levels.OPTIONAL: 88, levels.ADVICE: 16, levels.NONE: 171}


@pytest.mark.parametrize(
    ("clause", "level"),
    [
        ("6.2.5-13", levels.MANDATORY),
        ("4.3.4-01", levels.OPTIONAL),
        ("2.2.3-02", levels.OPTIONAL),
        ("4.1.4.1-01", levels.OPTIONAL),
        ("2.1.4-03", levels.ADVICE),
        ("PRE-01", levels.NONE),
    ],
)
def test_a_clause_has_its_level(clause: str, level: str) -> None:
    """By kind, area, tier or name; documentary clauses have none."""
    assert levels.level_of(clause) == level


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('name = "mandatory"\nbecause = "b"', "name is"),
        ('name = "advice"\nbecause = " "', "because is needed"),
        ('name = "advice"\nbecause = "b"\ncolours = ["red"]', "none of"),
        ('name = "advice"\nbecause = "b"\nclauses = ["6.2.5-99"]', "no clause has"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, table: str, message: str) -> None:
    """An unknown level, no reason, an unknown selector and a clause that does not exist are refused."""
    (tmp_path / "levels.toml").write_text(f"[[level]]\n{table}\n")
    with pytest.raises(RegistryError, match=message):
        levels.load(registry.load_once(), tmp_path / "levels.toml")
