"""The registry: every clause of the guide, restated, with its kind and how it is tested."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from conformance.suite.errors import RegistryError

CLAUSES = Path(__file__).resolve().parent.parent / "clauses"
GOLDEN = CLAUSES / "golden.txt"
TIERS = ("static", "pair", "measured", "documentary")
FIELDS = {"id", "section", "title", "text", "kind", "area", "testable", "tier"}
FIELDS_OPTIONAL = {"values", "restates", "reading"}

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Clause:
    """One fact the guide states. `restates` names the clause that it repeats and whose cases it shares."""

    id: str
    section: str
    title: str
    text: str
    kind: str
    area: str
    testable: str
    tier: str
    values: Mapping[str, Any] = field(default_factory=dict)
    restates: str = ""
    reading: str = ""


class Registry(Mapping[str, Clause]):
    """All clauses by id, in the order of the guide."""

    def __init__(self, clauses: Mapping[str, Clause]) -> None:
        self._clauses = dict(clauses)

    def __getitem__(self, clause_id: str) -> Clause:
        try:
            return self._clauses[clause_id]
        except KeyError:
            raise RegistryError(f"no clause {clause_id!r} in the registry") from None

    def __contains__(self, clause_id: object) -> bool:
        return clause_id in self._clauses

    def __iter__(self) -> Iterator[str]:
        return iter(self._clauses)

    def __len__(self) -> int:
        return len(self._clauses)

    def main_of(self, clause_id: str) -> str:
        """The id itself, or that of the clause it restates."""
        return self[clause_id].restates or clause_id


def load(folder: Path = CLAUSES) -> Registry:
    """Read and check every file of the registry."""
    found: dict[str, Clause] = {}
    for path in (folder / "front.yaml", *sorted(folder.glob("chapter_*.yaml"))):
        for entry in yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader):  # noqa: S506 - a safe loader, see above
            clause = _clause(path.name, entry)
            if clause.id in found:
                raise RegistryError(f"{path.name}: {clause.id} appears twice")
            found[clause.id] = clause
    for clause in found.values():
        if clause.restates and (clause.restates not in found or found[clause.restates].restates):
            raise RegistryError(f"{clause.id} restates {clause.restates}, which is no clause of its own")
    return Registry(found)


def sections(path: Path = CLAUSES / "sections.toml") -> dict[str, str]:
    """What each section is about, in the order of the guide."""
    return dict(tomllib.loads(path.read_text(encoding="utf-8"))["sections"])


def golden(path: Path = GOLDEN) -> list[str]:
    """The frozen ids, in order."""
    return path.read_text(encoding="utf-8").split()


def _clause(where: str, entry: dict[str, Any]) -> Clause:
    missing, unknown = FIELDS - entry.keys(), entry.keys() - FIELDS - FIELDS_OPTIONAL
    if missing or unknown:
        raise RegistryError(
            f"{where}: {entry.get('id')}: missing {sorted(missing)}, unknown {sorted(unknown)}"
        )
    if entry["tier"] not in TIERS:
        raise RegistryError(f"{where}: {entry['id']}: tier {entry['tier']!r} is none of {TIERS}")
    if entry["id"].rpartition("-")[0] != entry["section"]:
        raise RegistryError(f"{where}: {entry['id']}: section {entry['section']!r} does not match the id")
    return Clause(**entry)


@cache
def load_once() -> Registry:
    """The registry of this suite, read once in a process."""
    return load()
