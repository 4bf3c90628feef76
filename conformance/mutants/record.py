"""What became of the pair mutants when they were last run: `record.json`, written by `--record`, by id.

No stage runs them, so this file says what was run, and README.md claims no more. An entry belongs to one text of
the mutant: when its change or its clause becomes another, the digest does not fit any more and the entry is void.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from conformance.mutants.catalogue import HERE, PAIR, Mutant, load

FILE = HERE / "record.json"


@dataclass(frozen=True)
class Entry:
    """How a mutant ended, and when."""

    clause: str
    result: str
    reason: str
    duration_s: float
    date: str
    digest: str


def digest(mutant: Mutant) -> str:
    """What the entry of a mutant belongs to: its change and its clause."""
    parts = [mutant.clause, *(part for each in mutant.changes for part in (each.file, each.old, each.new))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def read(path: Path = FILE) -> dict[str, Entry]:
    """All entries by id, void ones too."""
    written = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: Entry(**entry) for name, entry in written.items()}


def valid(path: Path = FILE, mutants: Iterable[Mutant] | None = None) -> dict[str, Entry]:
    """The entries of mutants as they stand in the catalogue now, in its order."""
    found = read(path)
    known = load(PAIR) if mutants is None else mutants
    return {
        each.id: found[each.id]
        for each in known
        if each.id in found and found[each.id].digest == digest(each)
    }


def write(new: dict[str, Entry], path: Path = FILE) -> None:
    """Put new entries in the place of older ones; void ones go."""
    kept = {**read(path), **new}
    known = {each.id: digest(each) for each in load(PAIR)}
    ordered = {name: kept[name] for name in known if name in kept and kept[name].digest == known[name]}
    text = json.dumps({name: asdict(entry) for name, entry in ordered.items()}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
