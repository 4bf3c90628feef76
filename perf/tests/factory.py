"""Results made up for tests."""

from typing import Any

from perf.figures.fio_output import Figures
from perf.figures.results import CopyMeasurement, Measurement, Results

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
