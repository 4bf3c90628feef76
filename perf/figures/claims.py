"""Finds the measured figures of a README that name neither a file of the tree nor a command beside them. Pure.

A paragraph, list item or row of a table with a figure (a time, a rate, a share) has a command in it, or the paragraph
before its table or list has one, or it is a marked passage (`provenance`). Blocks of code are commands
themselves. What only looks like a measurement, such as a time-out, is a *setting*, told by its words.
"""

import re
from collections.abc import Collection, Iterator

from perf.figures import provenance

FIGURE = re.compile(
    r"(?<![\w.@-])(?:\d[\d,]*(?:\.\d+)?k?\s(?:s|ms|us|min|minutes?|seconds?|hours?|IOPS|writes a second|MiB/s)\b"
    r"|0\.\d\d\b|\d[\d.]*\s%)"
)
COMMAND = re.compile(
    r"`[^`]*(?:\b(?:python|pytest|make|vagrant|twinset-lab)\b|/test_\w+\.py|/\w+\.(?:json|sh))[^`]*`"
)
_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def unproved(text: str, settings: Collection[str]) -> Iterator[str]:
    """Each passage with a figure that nothing stands behind."""
    bare = _FENCED.sub("", provenance.unmarked(text))
    for setting in settings:
        bare = bare.replace(setting, "")
    before = ""
    for block in re.split(r"\n\s*\n", bare):
        parts = _parts(block)
        covered = bool(COMMAND.search(before)) and len(parts) > 1
        for part in parts:
            if FIGURE.search(part) and not COMMAND.search(part) and not covered:
                yield " ".join(part.split())
        before = block


def _parts(block: str) -> list[str]:
    """Rows of a table, items of a list, or the one paragraph."""
    return re.split(r"\n(?=\||- |\d+\. )", block.strip("\n"))


def unused(text: str, settings: Collection[str]) -> list[str]:
    """Settings that the text does not hold any more."""
    return [setting for setting in settings if setting not in text]
