"""Every clause that could be judged has a case or a reason, and the reasons only become fewer."""

from pathlib import Path

import pytest

from conformance.suite import registry, uncased
from conformance.suite.errors import RegistryError
from conformance.tests.case_files import every_case

# How many clauses of each kind have no case. These numbers go down, never up.
UNCASED_MAX = {"environment": 0, "capability": 0, "open": 0}


def without_a_case() -> set[str]:
    """The `auto` and `measured` clauses that no case names."""
    named = {clause_id for case in every_case() for clause_id in case.clauses}
    return {c.id for c in registry.load_once().values() if c.testable != "documentary" and c.id not in named}


def test_every_clause_has_a_case_or_a_reason() -> None:
    """An `auto` or `measured` clause cannot be forgotten, and a reason goes when its case comes."""
    assert without_a_case() ^ set(uncased.load()) == set()


def test_the_frozen_kinds_hold_what_belongs_there_and_nothing_else() -> None:
    """Measured, of the Manager, of the Client: exactly their clauses may stay unjudged, no other by that name."""
    known = registry.load_once()
    for clause_id, given in uncased.load().items():
        frozen = given.why if given.why in uncased.FROZEN else ""
        assert frozen == uncased.frozen_kind(known[clause_id]), clause_id


def test_uncased_clauses_become_fewer() -> None:
    """No more clauses lack a case than did when this number was last lowered."""
    for why, most in UNCASED_MAX.items():
        assert sum(given.why == why for given in uncased.load().values()) == most, why


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('why = "open"\nreason = " "\nclauses = ["1-01"]', "a reason is needed"),
        ('why = "later"\nreason = "r"\nclauses = ["1-01"]', "why is one of"),
        ('why = "open"\nreason = "r"\nclauses = ["1-01", "1-01"]', "twice"),
    ],
)
def test_a_poor_reason_is_refused(tmp_path: Path, table: str, message: str) -> None:
    """No reason, an unknown kind and a clause given twice are refused."""
    (tmp_path / "uncased.toml").write_text(f"[[because]]\n{table}\n")
    with pytest.raises(RegistryError, match=message):
        uncased.load(tmp_path / "uncased.toml")
