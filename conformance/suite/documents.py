"""Where a port honours the documentary clauses: a list of its own, `--documents FILE`. No run judges them.

`[[honoured]]` tables with `clauses`, and either `file` (relative to the list) and `at`, a heading of a Markdown page or
a text of any other file, or `nothing`: why the clause asks nothing of a port.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from conformance.suite.errors import RegistryError
from conformance.suite.registry import Registry

DOCUMENTARY = "documentary"


@dataclass(frozen=True)
class Honoured:
    """The place that honours a clause, or the reason why there is nothing to honour."""

    file: Path | None = None
    at: str = ""
    nothing: str = ""

    @property
    def anchor(self) -> str:
        """The heading as the address of a Markdown page has it."""
        plain = re.sub(r"[^\w\- ]", "", self.at.lower())
        return f"#{plain.replace(' ', '-')}" if self.file is not None and self.file.suffix == ".md" else ""

    def missing(self) -> str:
        """What is not there: the file, or in it the heading or text; empty when all is."""
        if self.file is None:
            return ""
        try:
            text = self.file.read_text(encoding="utf-8")
        except OSError:
            return f"no file {self.file}"
        if self.file.suffix == ".md":
            there = re.search(rf"^#+ {re.escape(self.at)}$", text, re.MULTILINE) is not None
        else:
            there = self.at in text
        return "" if there else f"{self.file}: no {self.at!r}"


def load(path: Path, registry: Registry) -> dict[str, Honoured]:
    """The list by clause; RegistryError for one that names another clause, names one twice, or leads nowhere."""
    found: dict[str, Honoured] = {}
    for table in tomllib.loads(path.read_text(encoding="utf-8"))["honoured"]:
        place = _place(path, table)
        if said := place.missing():
            raise RegistryError(f"{path.name}: {said}")
        for clause_id in table["clauses"]:
            if registry[clause_id].testable != DOCUMENTARY or clause_id in found:
                raise RegistryError(f"{path.name}: {clause_id} is not documentary, or stands there twice")
            found[clause_id] = place
    return found


def links(found: Mapping[str, Honoured], report: Path) -> dict[str, dict[str, str]]:
    """The list as the report has it: the address of each place, seen from the folder of the report."""
    return {clause_id: _link(place, report) for clause_id, place in found.items()}


def _link(place: Honoured, report: Path) -> dict[str, str]:
    if place.file is None:
        return {"nothing": place.nothing}
    address = os.path.relpath(place.file, report.resolve())
    return {"at": place.at, "file": place.file.name, "href": quote(address) + quote(place.anchor, safe="#")}


def _place(path: Path, table: Mapping[str, Any]) -> Honoured:
    if set(table) == {"clauses", "nothing"} and str(table["nothing"]).strip():
        return Honoured(nothing=str(table["nothing"]))
    if set(table) != {"clauses", "file", "at"}:
        raise RegistryError(f"{path.name}: {table}: `file` and `at` are needed, or `nothing` with a reason")
    return Honoured((path.parent / str(table["file"])).resolve(), str(table["at"]))
