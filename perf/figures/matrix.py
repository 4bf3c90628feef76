"""Which cells a run measures: workloads x rows, under a condition, as data. Pure.

A *block* holds what is compared with one another; its cells run one right after the other, in every round. Each
matrix contains the one before it, and what it leaves out is named in the report as not measured.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from perf.figures.conditions import CONDITIONS, key, parted
from perf.figures.growth import DISK_MIB, GROUPS, GROWTH, PLANNING, SETS
from perf.figures.results import (
    BROKEN,
    COPIES,
    COPY,
    DIFFERENCE_PERCENT,
    DRBD,
    FAILED_OVER,
    FULL,
    HIGH_SPEED,
    IN_MACHINES,
    LIMIT,
    MD,
    MIRRORED,
    NBD,
    NBDCOPY,
    NO_FASTSYNC,
    QEMU,
    RAW,
    REBUILD,
    REBUILD_FAST,
    ROUND_TRIP,
    SAMPLED,
    SLOWED,
    SWITCHING,
    Results,
)

JOBS = ("randwrite-4k-qd1", "randwrite-4k-qd16", "readwrite-4k-qd16", "seqwrite-1m-qd4")
FSYNC_JOBS = tuple(f"{name}-fsync" for name in JOBS)
MIX = "readwrite-4k-qd16"
LONE = "randwrite-4k-qd1"
LIGHT = "readwrite-95-5-4k-qd16"
# By rising share of writes: 100:0, 95:5, 2:1, 1:1, 1:2, 0:100.
WRITE_SHARES = (
    ("randread-4k-qd16", 0),
    (LIGHT, 5),
    (MIX, 33),
    ("readwrite-1-1-4k-qd16", 50),
    ("readwrite-1-2-4k-qd16", 67),
    ("randwrite-4k-qd16", 100),
)
SIZES_KIB = (
    ("randwrite-4k-qd16", 4),
    ("randwrite-16k-qd16", 16),
    ("randwrite-64k-qd16", 64),
    ("randwrite-256k-qd16", 256),
    ("randwrite-1m-qd16", 1024),
)
DEPTHS = (
    ("randwrite-4k-qd1", 1),
    ("randwrite-4k-qd4", 4),
    ("randwrite-4k-qd16", 16),
    ("randwrite-4k-qd64", 64),
)
SEQUENTIAL = ("seqwrite-4k-qd16", "seqwrite-64k-qd4", "seqread-1m-qd4")
SMALL_FILES, PGBENCH = "smallfiles", "pgbench"
APPLICATIONS = (SMALL_FILES, PGBENCH)
POWER_CUT = "power cut"
# Scenes: two mirror processes alone; two servers with everything; a pair of servers for each number of groups.
PAIR, CLUSTER, GROUPED = "pair", "cluster", "groups"
SCENES = (PAIR, CLUSTER, GROUPED)


@dataclass(frozen=True)
class Cell:
    """One figure of each round: a workload in a row, under a condition."""

    workload: str
    row: str
    condition: str = ""

    @property
    def job(self) -> str:
        """The key of its figures."""
        return key(self.workload, self.condition)

    @property
    def under(self) -> str:
        """The condition that it is measured under: one copy needs a set that has no FastSync."""
        return "fastsync-off" if self.row == NO_FASTSYNC else self.condition

    @property
    def scene(self) -> str:
        """Where it runs."""
        if self.row == GROUPS:
            return GROUPED
        return CLUSTER if self.condition == "mounted" or self.workload == SWITCHING else PAIR

    def __str__(self) -> str:
        return f"{self.job} {self.row}"


@dataclass(frozen=True)
class Block:
    """Every workload in every row, under one condition."""

    name: str
    workloads: tuple[str, ...]
    rows: tuple[str, ...]
    condition: str = ""

    def cells(self) -> Iterator[Cell]:
        """Its cells in the order in which they run."""
        return (Cell(workload, row, self.condition) for workload in self.workloads for row in self.rows)


@dataclass(frozen=True)
class Matrix:
    """One kind of run. ``minutes`` is the promise that it ends, on two processors."""

    name: str
    rounds: int
    seconds: float
    disk_mib: int
    blocks: tuple[Block, ...]
    minutes: float = 0.0

    def cells(self) -> tuple[Cell, ...]:
        """Its cells, each once, in the order in which they run."""
        return tuple(dict.fromkeys(cell for block in self.blocks for cell in block.cells()))

    def of_scene(self, scene: str) -> tuple[Block, ...]:
        """The blocks that run in a scene."""
        return tuple(block for block in self.blocks if next(block.cells()).scene == scene)

    def estimated_s(self) -> float:
        """How long it will take, by the costs below."""
        scenes = {cell.scene for cell in self.cells()}
        return sum(SCENE_S[scene] for scene in scenes) + sum(
            cost_s(cell, self.seconds) * self.rounds_of(cell) for cell in self.cells()
        )

    def rounds_of(self, cell: Cell) -> int:
        """How often a cell is measured: a power cut takes minutes, and start-ups hardly differ."""
        return 1 if cell.workload in (SWITCHING, GROWTH) else self.rounds


SCENE_S = {PAIR: 25.0, CLUSTER: 60.0, GROUPED: 0.0}
# Seconds of a cell beside its measured time: starting, changing the state of the set and back. Seen on two cores.
# A condition with sets of its own makes and compares them in each round: its share for each of its two cells.
_OVERHEAD_S = {
    RAW: 0.7, LIMIT: 0.8, NBD: 1.2, MIRRORED: 0.7, SAMPLED: 0.7, QEMU: 1.8, BROKEN: 4.0, FAILED_OVER: 6.0,
    REBUILD: 12.0, REBUILD_FAST: 6.0, FULL: 5.0, NBDCOPY: 2.5, HIGH_SPEED: 4.0, POWER_CUT: 150.0, ROUND_TRIP: 1.0,
    DISK_MIB: 12.0, SETS: 20.0, PLANNING: 30.0, GROUPS: 200.0, NO_FASTSYNC: 15.0, "difference 100 %": 12.0,
}  # fmt: skip
_COPIES_S = 5.0
_OWN_SETS_S = 6.0


def cost_s(cell: Cell, seconds: float) -> float:
    """An estimate of a cell's seconds, for the time left before anything was measured."""
    if cell.workload in (COPY, GROWTH, SWITCHING):
        return _OVERHEAD_S.get(cell.row, _COPIES_S)
    own = _OWN_SETS_S if CONDITIONS[cell.condition].own_sets else 0.0
    return seconds + own + _OVERHEAD_S.get(cell.row, _COPIES_S)


def _names(pairs: tuple[tuple[str, int], ...], without: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name, _ in pairs if name not in without)


_BASE = (RAW, MIRRORED)
LATENCY = Block("latency by stamps", (LONE, "randwrite-4k-qd16"), (RAW, MIRRORED, SAMPLED, ROUND_TRIP))
_STANDARD = (
    Block("basics", JOBS, (RAW, LIMIT, MIRRORED, QEMU, NBD)),
    Block("where a write's time goes", (LONE,), (RAW, LIMIT, MIRRORED, BROKEN, ROUND_TRIP)),
    Block("mirror broken", (MIX,), (BROKEN,)),
    Block("during a rebuild", (MIX,), (REBUILD,)),
    Block("after a failover", (MIX,), (FAILED_OVER,)),
    Block("flushed", FSYNC_JOBS[:2], _BASE),
    Block("share of writes", _names(WRITE_SHARES, JOBS), _BASE),
    Block("block sizes", ("randwrite-64k-qd16",), _BASE),
    Block("depths", ("randwrite-4k-qd64",), _BASE),
    Block("copies", (COPY,), (FULL, NBDCOPY, *list(DIFFERENCE_PERCENT)[:3])),
    # one mirror set for both: what is broken at the end of the first comes back by the copy of the second
    Block("ordinary disk without FastSync", (MIX,), (MIRRORED, BROKEN), "disk-5000-fastsync-off"),
    Block("copy without FastSync", (COPY,), (NO_FASTSYNC, "difference 100 %")),
    Block("ordinary disk", (MIX, "readwrite-4k-qd1", LIGHT), _BASE, "disk-5000"),
    Block("ordinary disk, mirror broken", (MIX,), (BROKEN,), "disk-5000"),
    Block("ordinary disk at half load", (MIX,), (MIRRORED, REBUILD), "disk-5000-half"),
    Block("rotating disk", (LIGHT, MIX), _BASE, "disk-500"),
    Block("rotating disk at half load", (MIX,), (MIRRORED, REBUILD), "disk-500-half"),
    Block("growth", (GROWTH,), (DISK_MIB, SETS, PLANNING)),
    Block("link of 1 Gbit/s", ("seqwrite-1m-qd4",), (MIRRORED,), "link-1g"),
    Block("four sets", ("randwrite-4k-qd16",), _BASE, "sets-4"),
    Block("applications", APPLICATIONS, _BASE, "mounted"),
    Block("switching", (SWITCHING,), (POWER_CUT,)),
)
_MORE = (
    Block("basics, every row", JOBS, (LIMIT, MIRRORED, BROKEN, REBUILD, REBUILD_FAST, FAILED_OVER)),
    Block("flushed, every row", FSYNC_JOBS, (RAW, LIMIT, MIRRORED, QEMU, BROKEN, REBUILD)),
    Block("block sizes, all", _names(SIZES_KIB, JOBS), (RAW, LIMIT, MIRRORED, QEMU)),
    Block("depths, all", _names(DEPTHS, JOBS), (RAW, LIMIT, MIRRORED, QEMU)),
    Block("sequential", SEQUENTIAL, (RAW, MIRRORED, QEMU)),
    Block("copies, all", (COPY,), tuple(kind for kind in COPIES)),
    Block("without FastSync, all", JOBS, (MIRRORED, BROKEN), "fastsync-off"),
    Block("rotating disk, depth 1", ("readwrite-4k-qd1",), _BASE, "disk-500"),
    Block("rotating disk, share of writes", _names(WRITE_SHARES, (LIGHT, MIX)), _BASE, "disk-500"),
    Block("rotating disk at half load, raw", (MIX,), (RAW,), "disk-500-half"),
    Block("ordinary disk, share of writes", _names(WRITE_SHARES, (LIGHT, MIX)), _BASE, "disk-5000"),
    Block("ordinary disk, rebuild", (MIX,), (REBUILD,), "disk-5000"),
    *(Block(f"link {name}", JOBS, (MIRRORED,), name) for name in ("link-100m", "link-1g")),
    *(Block(f"{name}", ("randwrite-4k-qd16", MIX), _BASE, name) for name in ("sets-2", "sets-4", "sets-8")),
    Block("partitions", ("randwrite-4k-qd16",), _BASE, "partitions-3"),
    LATENCY,
    Block("growth of the cluster", (GROWTH,), (GROUPS,)),
)

QUICK = Matrix(
    "quick", 5, 0.8, 256,
    (
        Block("basics", JOBS, (RAW, LIMIT, MIRRORED, QEMU)),
        Block("copies", (COPY,), (FULL, NBDCOPY)),
    ),
    minutes=4,
)  # fmt: skip
STANDARD = Matrix("standard", 5, 1.5, 768, _STANDARD, minutes=28)
EXHAUSTIVE = Matrix("exhaustive", 7, 10.0, 1024, _STANDARD + _MORE)
SMOKE = Matrix(
    "smoke", 1, 0.5, 64,
    (
        Block("rows", (MIX,), (RAW, LIMIT, MIRRORED, SAMPLED, QEMU, NBD, BROKEN, REBUILD, ROUND_TRIP)),
        Block("flushed", ("seqwrite-1m-qd4-fsync",), _BASE),
        Block("copies", (COPY,), (FULL, NBDCOPY, HIGH_SPEED)),
        Block("without FastSync", (MIX,), (MIRRORED,), "fastsync-off"),
    ),
    minutes=1,
)  # fmt: skip
# What `twinset plan --measured` needs, and the cells that its predictions are checked against: see predictions.py.
_CHECKED = (*JOBS, "readwrite-4k-qd1")
WHAT_IF = Matrix(
    "what-if", 3, 2.0, 256,
    (
        Block("coefficients", _CHECKED, (RAW, LIMIT, MIRRORED)),
        Block("a lone write", (LONE,), (BROKEN, ROUND_TRIP)),
        *(Block(name, _CHECKED, _BASE, name) for name in ("disk-5000", "disk-500")),
        *(Block(name, JOBS, (MIRRORED,), name) for name in ("link-1g", "link-100m")),
        Block("copies", (COPY,), (FULL, *SLOWED)),
    ),
    minutes=20,
)  # fmt: skip
GROWN = Matrix(
    "growth", 1, 1.0, 64,
    (
        Block("growth", (GROWTH,), (DISK_MIB, SETS, PLANNING)),
        Block("growth of the cluster", (GROWTH,), (GROUPS,)),
    ),
    minutes=10,
)  # fmt: skip
# On two virtual machines, with the kernel's mirrors beside. Emulated, twinset does some 500 operations a second and a
# disk thousands: only disks slower than that show what a mirror costs where the disk sets the pace.
_BESIDE_PEERS = (RAW, DRBD, MD, MIRRORED)
MACHINES = Matrix(
    "machines", 3, 4.0, 256,
    (
        Block("basics", JOBS, _BESIDE_PEERS),
        Block("share of writes", _names(WRITE_SHARES, JOBS), _BASE),
        Block("slow disk", JOBS, _BESIDE_PEERS, "disk-100"),
        Block("slow disk, few writes", (LIGHT,), _BASE, "disk-100"),
        Block("slow disk at half load", (MIX,), (MIRRORED, REBUILD), "disk-100-half"),
        Block("copies", (COPY,), (FULL, *IN_MACHINES)),
    ),
    minutes=45,
)  # fmt: skip
MATRICES = {one.name: one for one in (QUICK, STANDARD, EXHAUSTIVE, SMOKE, WHAT_IF, GROWN, MACHINES)}


def chosen(jobs: tuple[str, ...], rows: tuple[str, ...]) -> tuple[Block, ...]:
    """The blocks of a run whose jobs (with ``@condition`` or without) and rows were named one by one."""
    job_rows = tuple(row for row in rows if row != COPY)
    by_condition: dict[str, list[str]] = {}
    for job in jobs:
        workload, condition = parted(job)
        by_condition.setdefault(condition.name, []).append(workload)
    blocks = [
        Block(f"chosen {condition}".rstrip(), tuple(workloads), job_rows, condition)
        for condition, workloads in by_condition.items()
        if job_rows
    ]
    return (*blocks, *([Block("copies", (COPY,), (FULL, NBDCOPY, HIGH_SPEED))] if COPY in rows else []))


def missing(cells: Collection[Cell], results: Results) -> list[Cell]:
    """The cells that have no figure."""
    return [cell for cell in cells if not results.measured(cell.job, cell.row)]
