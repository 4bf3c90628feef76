"""Results made up for tests."""

from typing import Any

from perf.figures.fio_output import Figures
from perf.figures.growth import GROWTH
from perf.figures.matrix import STANDARD
from perf.figures.results import COPY, SWITCHING, CopyMeasurement, Measurement, Results
from perf.figures.stored import Stored

SURROUNDINGS: dict[str, Any] = {
    "when": "2026-11-29T08:00:00Z",
    "machine": {
        "host": "here", "processor": "P", "processors": 2, "memory_mib": 1, "kernel": "6", "file_system": "ext4 on d",
        "load_average": [0.1, 0.2, 0.3],
    },
    "versions": {"twinset": "1, compiled"},
    "commit": "abc",
}  # fmt: skip


def measurement(iops: float, **more: Any) -> Measurement:
    figures = Figures(
        iops=iops, read_iops=0, write_iops=iops, mib_s=round(iops / 256, 2), ops=int(iops * 10), seconds=10,
        mean_us=100, p50_us=90, p99_us=900, sync_us=0,
    )  # fmt: skip
    return Measurement(figures, **more)


def results(
    rows: dict[str, list[int]], copies: dict[str, list[int]] | None = None, job: str = "randwrite-4k-qd16"
) -> Results:
    """IOPS by row and round; MiB/s by copy and round."""
    made = Results()
    for row, values in rows.items():
        for number, iops in enumerate(values):
            made.add(job, row, number, measurement(iops))
    for kind, values in (copies or {}).items():
        for number, mib_s in enumerate(values):
            made.add_copy(kind, number, CopyMeasurement(int(mib_s) << 20, 1.0))
    return made


def stored_run(_file: str = "", rounds: int = 5) -> Stored:
    """A run as its file has it: every cell of the standard matrix, the same figures in each round."""
    made = Results()
    for cell in STANDARD.cells():
        for number in range(rounds):
            if cell.workload == COPY:
                made.add_copy(cell.row, number, CopyMeasurement(100 << 20, 1.0))
            elif cell.workload == GROWTH:
                made.growth[cell.row] = {str(n): {"start_s": 0.5, "rss_kib": 2e4 * n} for n in (1, 8)}
            elif cell.workload == SWITCHING:
                made.switches = [{"heartbeat_lost": 30_000.0, "client": 61_000.0}]
            else:
                made.add(
                    cell.job,
                    cell.row,
                    number,
                    measurement(100 + number, rebuild={"share": 1.0, "mib_s": 80.0}),
                )
    settings = {"matrix": "standard", "rounds": rounds, "seconds": 1.5, "disk_mib": 768}
    return Stored(made, SURROUNDINGS, settings, {})
