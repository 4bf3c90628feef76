"""Disks throttled to ordinary devices: what is measured on them, and the bars of their own. Pure.

Two slow disks, the guide's mix at depths 1 and 16, each as much as goes and at half of what the raw disk did in the
same round. The guide allows about 20 % for mirroring and about 15 % for a rebuild (4.1.4.1-01, 4.1.4.2-01); the bars
are tighter.
"""

import statistics
from collections.abc import Iterator

from perf.figures import spreads
from perf.figures.judged import Judged
from perf.figures.matrix import MIX, Block, Matrix
from perf.figures.results import MIRRORED, RAW, REBUILD, REBUILD_FAST, Measurement, Results

DISKS = ("disk-500", "disk-5000")
JOBS = ("readwrite-4k-qd1", MIX)
LOSS_MAX = 0.10
REBUILD_LOSS_MAX = 0.10
IDLE_SHARE_MIN = 0.5
FLOOR_MIB_S = 1.0  # of twinset.mirror.copy: what a rebuild does at least, however much the clients ask

ORDINARY = Matrix(
    "ordinary", 5, 4.0, 512,
    tuple(
        block
        for disk in DISKS
        for block in (
            Block("ordinary", JOBS, (RAW, MIRRORED), disk),
            Block("ordinary", JOBS, (RAW, MIRRORED, REBUILD), f"{disk}-half"),
            Block("ordinary", JOBS, (REBUILD_FAST,), disk),
        )
    ),
)  # fmt: skip


def judge(results: Results) -> list[Judged]:
    """Every bar of every disk and depth."""
    return [one for disk in DISKS for job in JOBS for one in _of(results, job, disk)]


def _of(results: Results, job: str, disk: str) -> Iterator[Judged]:
    half, full = f"{job}@{disk}-half", f"{job}@{disk}"
    yield _loss(results, half, MIRRORED, RAW, "half load", LOSS_MAX)
    yield _loss(results, full, MIRRORED, RAW, "saturating", LOSS_MAX)
    yield _loss(results, half, REBUILD, MIRRORED, "during a full copy", REBUILD_LOSS_MAX)
    yield _rate_at_half(results, half)
    yield _at_saturation(results, full)


def _loss(results: Results, job: str, row: str, base: str, when: str, most: float) -> Judged:
    fact = f"{job}, {when}, {row} against {base}"
    wanted = f"at most {most:.0%} of all operations lost"
    ratios = spreads.paired(results.iops(job, row), results.iops(job, base))
    if not ratios:
        return Judged(fact, wanted)
    lost = 1 - statistics.median(ratios)
    p99 = [one for name in (base, row) if (one := results.spread(job, name, "p99_us"))]
    observed = (
        f"{lost:.1%} lost ({1 - max(ratios):.1%} to {1 - min(ratios):.1%}, {len(ratios)} pairs), "
        f"p99 {' -> '.join(f'{one.median / 1000:.1f}' for one in p99)} ms"
    )
    return Judged(fact, wanted, observed, lost <= most)


def _runs(results: Results, job: str, row: str) -> list[Measurement]:
    return list(results.jobs.get(job, {}).get(row, {}).values())


def _rate_at_half(results: Results, job: str) -> Judged:
    """Beside the client against the rest of the same copy, when the client had ended."""
    fact, wanted = f"{job}, rate of a full copy against its idle rate", f"at least {IDLE_SHARE_MIN}"
    rates = [
        (run.rebuild["mib_s"], run.rebuild["idle_mib_s"])
        for run in _runs(results, job, REBUILD)
        if run.rebuild.get("idle_mib_s")
    ]
    if not rates:
        return Judged(fact, wanted)
    share = statistics.median(busy / idle for busy, idle in rates)
    busy, idle = (statistics.median(column) for column in zip(*rates, strict=True))
    return Judged(fact, wanted, f"{share:.2f} ({busy:.1f} of {idle:.1f} MiB/s)", share >= IDLE_SHARE_MIN)


def _at_saturation(results: Results, job: str) -> Judged:
    """The client asks for as much as goes until the copy has ended."""
    fact = f"{job}, saturating, rate of a copy, slowest round"
    wanted = f"at least its floor of {FLOOR_MIB_S:g} MiB/s, and its end"
    runs = _runs(results, job, REBUILD_FAST)
    if not runs:
        return Judged(fact, wanted)
    slowest = min(run.rebuild["mib_s"] for run in runs)
    ended = sum(bool(run.rebuild.get("ended")) for run in runs)
    ratios = spreads.paired(results.iops(job, REBUILD_FAST), results.iops(job, MIRRORED))
    lost = f", the client lost {1 - statistics.median(ratios):.1%}" if ratios else ""
    return Judged(
        fact, wanted, f"{slowest:.1f} MiB/s, {ended} of {len(runs)} ended{lost}",
        slowest >= FLOOR_MIB_S and ended == len(runs),
    )  # fmt: skip
