"""What the measurements in virtual machines come to."""

import dataclasses

from perf.figures.fio_output import Figures
from perf.shell import vms

ONE = Figures(1.0, 0.0, 1.0, 1.0, 1, 1.0, 1.0, 1.0, 1.0, 0.0)


def runs(*iops: float) -> list[Figures]:
    return [dataclasses.replace(ONE, iops=value) for value in iops]


def test_ratios_are_paired_by_round() -> None:
    """Each ratio is taken within a round; a slow round does not spoil it."""
    found = {
        "job": {vms.RAW: runs(1000, 100, 800), vms.DRBD: runs(500, 50, 400), vms.TWINSET: runs(250, 50, 200)}
    }
    table = vms.ratios(found)["job"]
    assert table["drbd / raw"].values == (0.5, 0.5, 0.5)
    assert table["twinset / drbd"].values == (0.5, 1.0, 0.5)
    assert table["twinset / drbd"].median == 0.5


def test_the_table_has_every_job_and_ratio() -> None:
    """One line a job with median and extremes below a head that names the ratios."""
    head, line = vms.lines(vms.ratios({"job": {row: runs(2, 4) for row in vms.ROWS}}))
    assert all(name in head for name in ("drbd / raw", "twinset / raw", "twinset / drbd"))
    assert line.startswith("job")
    assert line.count("1.00 (1.00 to 1.00)") == 3
