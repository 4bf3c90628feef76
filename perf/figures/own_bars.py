"""The matrices that have bars of their own, and those bars. Pure."""

from perf.figures import differences, ordinary
from perf.figures.judged import Judged
from perf.figures.matrix import Matrix
from perf.figures.results import Results

MATRICES: dict[str, Matrix] = {one.name: one for one in (ordinary.ORDINARY, differences.DIFFERENCES)}
_JUDGES = {ordinary.ORDINARY.name: ordinary.judge, differences.DIFFERENCES.name: differences.judge}


def judge(matrix: str, results: Results) -> list[Judged]:
    """What a run of this matrix is held to; nothing for the other matrices."""
    return _JUDGES[matrix](results) if matrix in _JUDGES else []
