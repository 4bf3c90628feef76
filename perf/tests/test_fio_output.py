import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf.errors import OutputError
from perf.figures import fio_output
from perf.figures.fio_output import Figures

DATA = Path(__file__).with_name("data")
INTERRUPTED = (DATA / "interrupted-nbd.txt").read_text()
LIMIT = (DATA / "limit-readwrite-fsync.txt").read_text()

ONE = Figures(
    iops=100, read_iops=60, write_iops=40, mib_s=0.4, ops=100, seconds=1, mean_us=10, p50_us=9, p99_us=90,
    sync_us=5,
)  # fmt: skip


def test_interrupted_run_has_its_figures_behind_fios_remarks() -> None:
    """What fio 3.33 prints after SIGINT, remarks first, is read up to where it came."""
    (figures,) = fio_output.parse(INTERRUPTED)
    assert figures.ops == 2985
    assert figures.seconds == 1.476
    assert figures.iops == pytest.approx(2985 / 1.476)
    assert figures.write_iops == figures.iops
    assert figures.read_iops == 0
    assert figures.mib_s == pytest.approx(12226560 / 1.476 / 2**20)
    assert figures.mean_us == pytest.approx(7893.636, abs=0.001)
    assert figures.p99_us == 57409.536
    assert figures.sync_us == 0


def test_two_jobs_are_two_entries_with_reads_and_writes_together() -> None:
    """Reads and writes are one total; latencies are weighted, percentiles those of the worse direction."""
    first, second = fio_output.parse(LIMIT)
    assert first.ops == 2019 + 951
    assert first.iops == pytest.approx(first.read_iops + first.write_iops)
    assert first.mean_us == pytest.approx((636.313059435 * 2019 + 760.445329127 * 951) / 2970)
    assert first.p99_us == 6848.512
    assert first.sync_us == pytest.approx(1989.089778898)
    assert fio_output.slower([first, second]) == first


@pytest.mark.parametrize("cut", [0, 1, 200, len(LIMIT) // 2, len(LIMIT) - 3])
def test_truncated_output_is_refused(cut: int) -> None:
    """Output that ends early is an error of the run, never a figure."""
    with pytest.raises(OutputError):
        fio_output.parse(LIMIT[:cut])


def altered(**changes: Any) -> str:
    body = json.loads(LIMIT)
    job = body["jobs"][0]
    for key, value in changes.items():
        job[key] = {**job[key], **value} if isinstance(value, dict) else value
    return json.dumps(body)


def test_failed_job_is_refused() -> None:
    """A job that ended with an error has no figures."""
    with pytest.raises(OutputError, match="error 5"):
        fio_output.parse(altered(error=5))


def test_job_without_operations_is_refused() -> None:
    """No operation finished: that is not zero IOPS but no measurement."""
    with pytest.raises(OutputError, match="finished no operation"):
        fio_output.parse(altered(read={"total_ios": 0}, write={"total_ios": 0}))


def test_output_without_the_expected_fields_is_refused() -> None:
    """Another program's JSON, or another fio's, is named and not guessed at."""
    with pytest.raises(OutputError, match="cannot be read"):
        fio_output.parse('{"jobs": [{"error": 0}]}')
    with pytest.raises(OutputError, match="printed no JSON"):
        fio_output.parse("fio: engine nbd not loadable\n")


def test_windows_join_by_time_and_by_operations() -> None:
    """Two windows as one: operations over all the time, latencies by operation, the worst percentile."""
    other = replace(
        ONE, iops=400, read_iops=240, write_iops=160, mib_s=1.6, ops=1200, seconds=3, mean_us=20, p99_us=50
    )
    joined = fio_output.joined([ONE, other])
    assert joined.ops == 1300
    assert joined.seconds == 4
    assert joined.iops == pytest.approx(325)
    assert joined.read_iops == pytest.approx((60 + 720) / 4)
    assert joined.mib_s == pytest.approx((0.4 + 4.8) / 4)
    assert joined.mean_us == pytest.approx((10 * 100 + 20 * 1200) / 1300)
    assert joined.p99_us == 90
    assert fio_output.joined([ONE]) == ONE
    with pytest.raises(OutputError):
        fio_output.joined([])
