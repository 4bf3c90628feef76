"""docs/disks.md and the rules about disks say the same."""

import re
from pathlib import Path

from twinset.disks import judge
from twinset.disks.facts import HELD, LISTED, LOCKED, MOUNTED, OPEN, SWAP, Use
from twinset.disks.judge import by_use

ROOT = Path(judge.__file__).parents[2]
DOC = (ROOT / "docs" / "disks.md").read_text(encoding="utf-8")
SOURCES = "".join((Path(judge.__file__).parent / name).read_text() for name in ("judge.py", "pair.py"))


def test_every_warning_is_explained() -> None:
    """And none that no rule gives."""
    documented = set(re.findall(r"^\| `(W_[A-Z_]+)`", DOC, re.MULTILINE))
    assert documented == set(re.findall(r'"(W_[A-Z_]+)"', SOURCES))


def test_every_clause_of_an_error_is_named() -> None:
    """An operator who reads a clause in a refusal finds its row."""
    rows = "\n".join(line for line in DOC.splitlines() if line.startswith("| `E_"))
    named = set()
    for first, more in re.findall(r"(\d+(?:\.\d+)+-\d\d)((?:, -\d\d)*)", rows):
        named |= {first, *(f"{first[:-3]}{suffix}" for suffix in re.findall(r"-\d\d", more))}
    uses = [Use(n, kind, "/x") for n in (1, 2) for kind in (MOUNTED, SWAP, HELD, OPEN, LOCKED, LISTED)]
    found = {finding.clause for finding in map(by_use, uses) if finding.severity == "error"}
    assert found <= named
    assert set(re.findall(r'clause="(\d[\d.]+-\d\d)"', SOURCES)) - WARNED <= named


WARNED = {"2.1.3-03", "2.1.3-01", "4.1.1-02", "4.1.1-03", "4.1.4-03", "4.1.5-04", "7.1.1-02", "8.6-02"}
