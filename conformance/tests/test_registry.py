"""The registry: complete and frozen."""

from pathlib import Path

import pytest

from conformance.suite import cases, registry
from conformance.suite.errors import RegistryError

CLAUSES_EXPECTED = 632


def test_there_are_632_clauses() -> None:
    """The registry holds every clause of the guide."""
    assert len(registry.load()) == CLAUSES_EXPECTED


def test_ids_are_frozen() -> None:
    """The ids are those of the golden list, in its order: none is added, lost, renamed or moved unseen."""
    assert list(registry.load()) == registry.golden()


def test_every_section_has_a_name() -> None:
    """And no other has, so that a report never shows a bare number."""
    named, used = registry.sections(), {clause.section for clause in registry.load().values()}
    assert used <= set(named)
    assert all(name.strip() for name in named.values())
    assert {section.partition(".")[0] for section in used} <= set(named)


def test_every_id_is_one_that_a_case_can_name() -> None:
    """`@clause` takes every id of the registry."""
    for clause_id in registry.load():
        cases.clause(clause_id)


def test_a_repetition_shares_the_tier_of_what_it_repeats() -> None:
    """Restated passages and their main clause are judged by the same cases."""
    known = registry.load()
    for clause in known.values():
        if clause.restates and clause.testable == "auto":
            assert clause.tier == known[clause.restates].tier, clause.id


def test_testable_and_tier_agree() -> None:
    """What is documentary or measured is so in both fields; the rest is static or pair."""
    for clause in registry.load().values():
        expected = {"static", "pair"} if clause.testable == "auto" else {clause.testable}
        assert clause.tier in expected, clause.id


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("id: 1-01\n  section: '2'", "does not match"),
        ("id: 1-01\n  section: '1'\n  tier: maybe", "none of"),
        ("id: 1-01\n  section: '1'\n  colour: red", "unknown"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, change: str, message: str) -> None:
    """An entry with a wrong section, an unknown tier or an unknown field is refused by name."""
    fields = {"title": "t", "text": "t", "kind": "k", "area": "a", "testable": "auto", "tier": "static"}
    written = "".join(f"\n  {key}: {value}" for key, value in fields.items() if f"{key}:" not in change)
    (tmp_path / "front.yaml").write_text(f"- {change}{written}\n")
    with pytest.raises(RegistryError, match=message):
        registry.load(tmp_path)


def test_a_clause_twice_is_refused(tmp_path: Path) -> None:
    """No id stands for two clauses."""
    entry = "- {id: 1-01, section: '1', title: t, text: t, kind: k, area: a, testable: auto, tier: static}\n"
    (tmp_path / "front.yaml").write_text(entry * 2)
    with pytest.raises(RegistryError, match="twice"):
        registry.load(tmp_path)
