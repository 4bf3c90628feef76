"""The table of rules as a whole."""

import re
from collections.abc import Callable
from typing import Any

from twinset.config.rules import RULES

CLAUSE = re.compile(r"[0-9]+(\.[0-9]+)*-[0-9]{2}")


def test_no_rule_stands_twice() -> None:
    """Each check is in the table once."""
    assert len({rule.check for rule in RULES}) == len(RULES)


def test_clauses_are_clause_ids() -> None:
    """A rule stands for clauses by their ids."""
    assert [clause for rule in RULES for clause in rule.clauses if not CLAUSE.fullmatch(clause)] == []


def test_needs_are_fields_of_the_file() -> None:
    """What a rule needs to be readable exists; a misspelt field would never be missing."""
    from twinset.config.structure import _annotation

    for rule in RULES:
        for field in rule.needs:
            location: list[str | int] = []
            for part in field.split("."):
                if location and getattr(_annotation(tuple(location)), "__origin__", None) is tuple:
                    location.append(0)
                location.append(part)
            _annotation(tuple(location))


def test_good_configuration_has_no_finding(judge: Callable[[dict[str, Any]], list[Any]]) -> None:
    """The sample that every test changes is in order, without a warning."""
    assert judge({}) == []
