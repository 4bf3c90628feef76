"""High-speed copies of known differences: in one stretch, and 4 KiB blocks scattered over the disk. Pure.

What a difference is worth is counted here, from the list of writes that fio keeps, not by the mirror: the extents
that were written, as docs/data-on-disk.md documents them.
"""

from collections.abc import Iterable, Sequence

from perf.figures import spreads
from perf.figures.judged import Judged
from perf.figures.matrix import Block, Matrix
from perf.figures.results import COPY, DIFFERENCE_KINDS, FULL, NBDCOPY, Results

EXTENT_BYTES = 64 << 10  # of disks up to 256 GiB
BYTES_FACTOR_MAX = 1.1
TIME_SHARE, TIME_S = 0.15, 0.1  # how far from the line a point may lie: the larger of the two
FULL_SHARE_MIN = 0.9

DIFFERENCES = Matrix(
    "differences", 5, 1.0, 1024,
    (Block("differences", (COPY,), (FULL, NBDCOPY, *DIFFERENCE_KINDS)),),
)  # fmt: skip


def extents_written(log: Iterable[str]) -> int:
    """How many extents the writes of fio's list (write_iolog) touch."""
    touched: set[int] = set()
    for line in log:
        words = line.split()
        if "write" in words:
            offset, length = (int(word) for word in words[words.index("write") + 1 :][:2])
            touched.update(range(offset // EXTENT_BYTES, (offset + length - 1) // EXTENT_BYTES + 1))
    return len(touched)


def line_through(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Start and slope of the straight line nearest to (x, y), a point counting by what it may be off."""
    weights = [1 / tolerance(y) ** 2 for _, y in points]
    total = sum(weights)
    mean_x, mean_y = (
        sum(weight * point[axis] for weight, point in zip(weights, points, strict=True)) / total
        for axis in (0, 1)
    )
    over = sum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in zip(weights, points, strict=True))
    under = sum(w * (x - mean_x) ** 2 for w, (x, _) in zip(weights, points, strict=True))
    slope = over / under if under else 0.0
    return mean_y - slope * mean_x, slope


def tolerance(seconds: float) -> float:
    """How far a point may lie from the line."""
    return max(TIME_SHARE * seconds, TIME_S)


def judge(results: Results) -> list[Judged]:
    """Bytes of each copy, one line through their times, and the full copy beside nbdcopy."""
    return [_bytes(results), _line(results), _full(results)]


def _bytes(results: Results) -> Judged:
    fact = "bytes copied against the difference in extents, worst copy"
    wanted = f"at most {BYTES_FACTOR_MAX}"
    factors = [
        (run.copied_bytes / run.differing_bytes, kind)
        for kind in DIFFERENCE_KINDS
        for run in results.copies.get(kind, {}).values()
        if run.differing_bytes
    ]
    if not factors:
        return Judged(fact, wanted)
    worst, kind = max(factors)
    return Judged(fact, wanted, f"{worst:.3f} ({kind}, {len(factors)} copies)", worst <= BYTES_FACTOR_MAX)


def _line(results: Results) -> Judged:
    """Each kind's median; the line is fitted to them."""
    fact = "time over bytes copied, each kind's median"
    wanted = f"within {TIME_SHARE:.0%} or {TIME_S} s of one line"
    points = {}
    for kind in DIFFERENCE_KINDS:
        runs = list(results.copies.get(kind, {}).values())
        if runs:
            middle = spreads.spread([run.seconds for run in runs]).median
            points[kind] = (spreads.spread([float(run.copied_bytes) for run in runs]).median, middle)
    if len(points) < len(DIFFERENCE_KINDS):
        return Judged(fact, wanted)
    start, slope = line_through(list(points.values()))
    off = {kind: seconds - (start + slope * size) for kind, (size, seconds) in points.items()}
    kept = all(abs(off[kind]) <= tolerance(seconds) for kind, (_, seconds) in points.items())
    shown = ", ".join(f"{kind} {seconds:.2f} s ({off[kind]:+.2f})" for kind, (_, seconds) in points.items())
    return Judged(fact, wanted, f"{start:.2f} s + {slope * (1 << 30):.2f} s a GiB: {shown}", kept)


def _full(results: Results) -> Judged:
    ratio = results.copy_ratio(FULL, NBDCOPY)
    fact, wanted = "rate of a full copy against nbdcopy", f"at least {FULL_SHARE_MIN}"
    if ratio is None:
        return Judged(fact, wanted)
    observed = f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
    return Judged(fact, wanted, observed, ratio.median >= FULL_SHARE_MIN)
