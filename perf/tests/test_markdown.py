from perf.figures import markdown
from perf.figures.stored import Stored
from perf.tests.factory import SURROUNDINGS, results, stored_run

JOB = "randwrite-4k-qd16"


def run(mirrored: list[int], qemu: list[int]) -> Stored:
    rows = {"raw": [200] * len(qemu), "limit": [100] * len(qemu), "mirrored": mirrored, "qemu": qemu}
    return Stored(results(rows), SURROUNDINGS, {"rounds": 5, "seconds": 2.0, "disk_mib": 64}, {})


def test_row_shows_shares_and_the_verdict_beside_qemu() -> None:
    """Ahead by the interval; what is not ahead stands out."""
    ahead = markdown.made("rows", run([60, 60, 60], [30, 30, 30]))
    assert f"| `{JOB}` | 0.60 (0.60 to 0.60) | 0.30 (0.30 to 0.30) | 0.50 (0.50 to 0.50) | " in ahead
    assert "| 2.00 (2.00 to 2.00) | ahead |" in ahead
    assert "| **behind** |" in markdown.made("rows", run([60, 60, 60], [90, 90, 90]))


def test_missed_bars_are_listed_as_missed() -> None:
    """In the table, in the sentence of the front page, and for the test of the profiles."""
    found = run([50, 50], [90, 90])
    assert f"| `{JOB}` | 0.55 of limit | 0.50 | **missed** |" in markdown.made("bars", found)
    assert f"`{JOB}` (0.50 of limit, 0.55 is wanted)" in markdown.made("bars-line", found)
    assert "not quiet" not in markdown.made("bars-line", found)
    found.results.busy = {0: 0.9}
    assert "not quiet" in markdown.made("bars-line", found)
    assert markdown.missed(found.results) == [JOB]
    assert markdown.missed(run([90, 90], [30, 30]).results) == []


def test_run_tells_commit_machine_warnings_and_what_it_lacks() -> None:
    """A reader sees what the figures are worth."""
    text = markdown.made("run", run([50, 90], [90, 90]))
    assert "commit abc, 2026-11-29, 2 x P" in text
    assert "Warnings of the run: none." in text
    assert "Not measured: randwrite-4k-qd1 raw, " in text


def test_every_table_has_as_many_cells_in_each_row() -> None:
    """A broken table would show as text."""
    for name in markdown.names():
        rows = [line for line in markdown.made(name, stored_run()).splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in rows}) <= 1
        assert rows or name in {"run", "bars-line"}


def test_everything_has_each_table_under_its_name() -> None:
    """What `report --readme` prints."""
    text = markdown.everything(stored_run())
    assert [line for line in text.splitlines() if line.startswith("<!--")] == [
        f"<!-- {name} -->" for name in markdown.names()
    ]


def test_machines_stand_beside_drbd_and_md() -> None:
    """Jobs as shares of the raw disk, copies in MiB/s; level with DRBD is enough."""
    rows = {"raw": [100, 100], "drbd": [50, 50], "md": [40, 40], "mirrored": [55, 45]}
    copies = {"full copy": [20, 21], "full copy by DRBD": [40, 40]}
    table = markdown.made("machines", Stored(results(rows, copies), SURROUNDINGS, {}, {}))
    job, copy = table.splitlines()[2:]
    assert job.startswith(
        "| `randwrite-4k-qd16` | 0.50 (0.50 to 0.50) | 0.40 (0.40 to 0.40) | 0.50 (0.45 to 0.55) | "
    )
    assert job.endswith(" | level |")
    assert copy.startswith("| `full copy`, MiB/s | 40.0 (40.0 to 40.0) |  | 20.5 (20.0 to 21.0) | 0.51")
    assert copy.endswith("| **behind** |")
