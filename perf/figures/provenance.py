"""Where the figures of a README come from: marked passages are made from a named file of the tree. Pure.

``<!-- figures: perf/baseline/standard.json rows -->`` opens such a passage, ``<!-- end of figures -->`` ends it.
"""

import re
from collections.abc import Callable, Iterator

from perf.errors import PerfError
from perf.figures import markdown
from perf.figures.stored import Stored

MARKED = re.compile(
    r"(?P<open><!-- figures: (?P<file>\S+) (?P<name>\S+) -->\n)(?P<text>.*?)(?P<end><!-- end of figures -->)",
    re.DOTALL,
)
_OPENED, _ENDED = "<!-- figures:", "<!-- end of figures -->"


def passages(text: str) -> Iterator[tuple[str, str]]:
    """File and name of each marked passage; PerfError where marks do not pair."""
    found = [(match["file"], match["name"]) for match in MARKED.finditer(text)]
    if not len(found) == text.count(_OPENED) == text.count(_ENDED):
        raise PerfError(
            f"{len(found)} marked passages, {text.count(_OPENED)} opened, {text.count(_ENDED)} ended: "
            "a mark is misspelt or lacks its other half"
        )
    unknown = [name for _, name in found if name not in markdown.names()]
    if unknown:
        raise PerfError(f"no figures of the name {unknown[0]!r}; there are {', '.join(markdown.names())}")
    yield from found


def renewed(text: str, load: Callable[[str], Stored]) -> str:
    """The text with every marked passage made from its file anew."""
    list(passages(text))
    return MARKED.sub(
        lambda match: f"{match['open']}{markdown.made(match['name'], load(match['file']))}\n{match['end']}",
        text,
    )


def unmarked(text: str) -> str:
    """The text without its marked passages."""
    return MARKED.sub("", text)
