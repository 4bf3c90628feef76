"""The catalogue: which text of which file is replaced by what, and the clause that has to notice."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from conformance.suite.errors import CaseError

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1] / "impl" / "twinset"
PACKAGE = "twinset"
STATIC, PAIR = "static", "pair"
_FIELDS = {"id", "what", "clause", "file", "old", "new"}


@dataclass(frozen=True)
class Change:
    """One replacement in one file of the reference."""

    file: str  # below TREE
    old: str
    new: str

    @property
    def module(self) -> str:
        """The name under which the file is imported."""
        return ".".join((PACKAGE, *Path(self.file).with_suffix("").parts))

    def applied(self) -> str:
        """The altered text; CaseError unless the old one stands there exactly once."""
        text = (TREE / self.file).read_text(encoding="utf-8")
        found = text.count(self.old)
        if found != 1:
            raise CaseError(f"{self.file}: {self.old!r} stands there {found} times, not once")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Mutant:
    """One broken variant of the reference."""

    id: str
    what: str
    clause: str
    tier: str
    changes: tuple[Change, ...]

    def sources(self) -> dict[str, str]:
        """The altered text of each file; a second change of a file builds upon the first."""
        found: dict[str, str] = {}
        for change in self.changes:
            if change.file not in found:
                found[change.file] = change.applied()
            elif found[change.file].count(change.old) == 1:
                found[change.file] = found[change.file].replace(change.old, change.new)
            else:
                raise CaseError(f"{self.id}: {change.old!r} does not stand once in the altered {change.file}")
        return found

    @property
    def section(self) -> str:
        """The section of the guide whose clause it breaks."""
        return self.clause.rpartition("-")[0]


def load(tier: str) -> tuple[Mutant, ...]:
    """The mutants of a tier, in the order of their file."""
    entries = yaml.safe_load((HERE / f"{tier}.yaml").read_text(encoding="utf-8"))
    found = tuple(_mutant(tier, entry) for entry in entries)
    ids = [mutant.id for mutant in found]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise CaseError(f"{tier}.yaml: {twice} stand twice")
    return found


def _mutant(tier: str, entry: dict[str, Any]) -> Mutant:
    missing, unknown = _FIELDS - entry.keys(), entry.keys() - _FIELDS - {"also"}
    if missing or unknown:
        raise CaseError(
            f"{tier}.yaml: {entry.get('id')}: missing {sorted(missing)}, unknown {sorted(unknown)}"
        )
    changes = [Change(each["file"], each["old"], each["new"]) for each in (entry, *entry.get("also", ()))]
    return Mutant(entry["id"], entry["what"], entry["clause"], tier, tuple(changes))
