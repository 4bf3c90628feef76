"""Clauses without a case, each with the reason: clauses/uncased.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from conformance.suite.errors import RegistryError
from conformance.suite.registry import CLAUSES, Clause, Registry

FILE = CLAUSES / "uncased.toml"
# What may stay without a verdict: these hold exactly the clauses of that kind which have no case.
FROZEN = ("measured", "manager", "client")
WHYS = (*FROZEN, "capability", "environment", "open")


@dataclass(frozen=True)
class Uncased:
    """Why a clause has no case."""

    why: str
    reason: str


def load(path: Path = FILE) -> dict[str, Uncased]:
    """Read the reasons by clause id; RegistryError when one is empty, of no known kind, or given twice."""
    found: dict[str, Uncased] = {}
    for table in tomllib.loads(path.read_text(encoding="utf-8"))["because"]:
        given = Uncased(str(table.get("why", "")), str(table.get("reason", "")).strip())
        if given.why not in WHYS or not given.reason:
            raise RegistryError(f"{path.name}: {table}: why is one of {WHYS}, and a reason is needed")
        for clause_id in table["clauses"]:
            if clause_id in found:
                raise RegistryError(f"{path.name}: {clause_id} stands there twice")
            found[clause_id] = given
    return found


def frozen_kind(clause: Clause) -> str:
    """The frozen kind that the clause belongs to by its area or tier; "" for those that need a case."""
    if clause.testable == "measured":
        return "measured"
    return clause.area if clause.testable == "auto" and clause.area in FROZEN else ""


def may_stay_unjudged(registry: Registry) -> set[str]:
    """Clauses of which `not run` is no shortcoming of a run: the benchmark's, the Manager's, the Client's."""
    return {clause.id for clause in registry.values() if frozen_kind(clause)}


@cache
def load_once() -> dict[str, Uncased]:
    """The reasons of this suite, read once in a process."""
    return load()
