"""What of a run's file is committed as the baseline, and which runs may become one. Pure.

The baseline is a run's file like any other, without what is derived (medians, ratios, verdicts) and without the
machine's name: `stored.load` reads it, and derives everything anew.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from perf.figures import matrix
from perf.figures.matrix import STANDARD, Cell
from perf.figures.stored import Stored

ROUNDS_MIN = 5
NAME = "standard.json"
DERIVED = ("bars", "guide", "against_peers", "own_bars")
UNSAID = (
    "host",
    "load_average",
)  # of the machine: its name says nothing of its class, its load is a moment's


def trimmed(body: Mapping[str, Any]) -> dict[str, Any]:
    """Each round's figures, what they were measured with, and the warnings that the run printed."""
    kept = {name: value for name, value in body.items() if name not in DERIVED}
    kept["machine"] = {name: value for name, value in body["machine"].items() if name not in UNSAID}
    kept["jobs"] = {
        job: {row: {"rounds": entry["rounds"]} for row, entry in rows.items()}
        for job, rows in body["jobs"].items()
    }
    kept["copies"] = {kind: {"rounds": entry["rounds"]} for kind, entry in body["copies"].items()}
    return kept


def text(body: Mapping[str, Any]) -> str:
    """As JSON, one line a round: small, and a change is seen where it is."""
    return _lines(body, 0, 4) + "\n"


def _lines(value: Any, level: int, deepest: int) -> str:
    if not isinstance(value, dict) or level > deepest or not value:
        return json.dumps(value)
    pad = " " * (level + 1)
    inner = ",\n".join(
        f"{pad}{json.dumps(key)}: {_lines(part, level + 1, deepest)}" for key, part in value.items()
    )
    return "{\n" + inner + "\n" + " " * level + "}"


def own_cells(found: Stored) -> list[Cell]:
    """The cells that a run set out to measure, as far as the matrix has them today."""
    return [cell for cell in STANDARD.cells() if str(cell) in found.settings["cells"]]


def objections(found: Stored, cells: Sequence[Cell] = STANDARD.cells()) -> Iterator[str]:
    """Why a run cannot be the baseline: cells or rounds that are missing, a commit that nobody can have again."""
    for cell in cells:
        have = len(found.results.rounds_of(cell.job, cell.row))
        wanted = 1 if STANDARD.rounds_of(cell) == 1 else ROUNDS_MIN
        if have < wanted:
            reason = found.results.skipped.get(cell.under, f"{have} rounds, {wanted} are wanted")
            yield f"{cell}: {reason}"
    yield from unrepeatable(found)


def unrepeatable(found: Stored) -> Iterator[str]:
    """Why nobody could measure what was measured again."""
    commit = found.surroundings["commit"]
    if commit == "unknown" or commit.endswith("+changes"):
        yield f"commit {commit}: it has to be one that others can check out"
    if "compiled" not in found.surroundings["versions"].get("twinset", ""):
        yield "the data path was interpreted"


def left_out(found: Stored) -> list[str]:
    """The cells of its matrix, or of the standard one, that a run lacks."""
    whole = matrix.MATRICES.get(str(found.settings.get("matrix")), STANDARD)
    return [str(cell) for cell in matrix.missing(whole.cells(), found.results)]


def described(found: Stored) -> str:
    """Commit, day and class of machine in a sentence."""
    machine = found.surroundings["machine"]
    settings = found.settings
    images = machine["file_system"].partition(" (")[0]
    return (
        f"commit {found.surroundings['commit'][:12]}, {found.surroundings['when'][:10]}, {machine['processors']} x "
        f"{machine['processor']}, {machine['memory_mib']} MiB, kernel {machine['kernel']}, images on {images}; "
        f"{settings['rounds']} rounds of {settings['seconds']:g} s a cell, disks of "
        f"{settings['disk_mib']} MiB"
    )
