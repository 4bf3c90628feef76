"""Whether a clause is mandatory, optional or advice: clauses/levels.toml. Documentary clauses have no level."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from conformance.suite.errors import RegistryError
from conformance.suite.registry import CLAUSES, Clause, Registry, load_once

FILE = CLAUSES / "levels.toml"
MANDATORY, OPTIONAL, ADVICE, NONE = "mandatory", "optional", "advice", ""
LEVELS = (MANDATORY, OPTIONAL, ADVICE)
# Each key of a table with the attribute of the clause that it speaks of.
_SELECTORS = {"kinds": "kind", "areas": "area", "tiers": "tier", "clauses": "id"}


def load(registry: Registry, path: Path = FILE) -> dict[str, tuple[str, str]]:
    """Level and reason by clause; the first table that fits counts. RegistryError for what names nothing."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["level"]
    for table in tables:
        _check(path, table, registry)
    return {clause.id: _level(clause, tables) for clause in registry.values()}


def _check(path: Path, table: Mapping[str, Any], registry: Registry) -> None:
    if table.get("name") not in (OPTIONAL, ADVICE) or not str(table.get("because", "")).strip():
        raise RegistryError(f"{path.name}: {table}: name is {OPTIONAL} or {ADVICE}, and because is needed")
    for key in table.keys() - {"name", "because"}:
        if key not in _SELECTORS:
            raise RegistryError(f"{path.name}: {key!r} is none of {sorted(_SELECTORS)}")
        known = {getattr(clause, _SELECTORS[key]) for clause in registry.values()}
        if unknown := set(table[key]) - known:
            raise RegistryError(f"{path.name}: {key}: no clause has {sorted(unknown)}")


def _level(clause: Clause, tables: list[dict[str, Any]]) -> tuple[str, str]:
    if clause.testable == "documentary":
        return NONE, ""
    for table in tables:
        if any(getattr(clause, field) in table.get(key, ()) for key, field in _SELECTORS.items()):
            return str(table["name"]), str(table["because"])
    return MANDATORY, ""


@cache
def levels() -> dict[str, tuple[str, str]]:
    """The levels of this suite's registry, read once in a process."""
    return load(load_once())


def level_of(clause_id: str) -> str:
    """The level of a clause of this suite's registry."""
    return levels()[clause_id][0]
