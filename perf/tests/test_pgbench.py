import pytest

from perf.errors import OutputError
from perf.figures import pgbench

# pgbench 15, as it printed it.
SUMMARY = """\
transaction type: <builtin: TPC-B (sort of)>
scaling factor: 10
query mode: prepared
number of clients: 8
number of threads: 2
maximum number of tries: 1
duration: 2 s
number of transactions actually processed: 4
number of failed transactions: 0 (0.000%)
latency average = 4.063 ms
initial connection time = 14.221 ms
tps = 2.000000 (without initial connection time)
"""
LOG = [
    "0 0 3000 0 1764403112 801234",
    "1 0 1000 0 1764403112 801300",
    "0 1 2000 0 1764403112 9",
    "1 1 4000 0 1 9",
]


def test_transactions_are_operations_with_the_latencies_of_the_log() -> None:
    """Rate from the summary, percentiles from the single transactions."""
    found = pgbench.parse(SUMMARY, LOG)
    assert (found.iops, found.ops, found.seconds) == (2.0, 4, 2.0)
    assert (found.mean_us, found.p50_us, found.p99_us) == (2500, 3000, 4000)


@pytest.mark.parametrize(
    ("summary", "log", "reason"),
    [
        ("", LOG, "did not run"),
        (SUMMARY.replace("processed: 4", "processed: 0"), LOG, "did not run"),
        (SUMMARY.replace("failed transactions: 0", "failed transactions: 3"), LOG, "did not run"),
        (SUMMARY, ["0 0"], "cannot be read"),
        (SUMMARY, ["0 0 x 0 1 2"], "cannot be read"),
        (SUMMARY, [""], "no transaction"),
    ],
)
def test_other_output_is_an_error_with_its_reason(summary: str, log: list[str], reason: str) -> None:
    """A failed transaction is no figure."""
    with pytest.raises(OutputError, match=reason):
        pgbench.parse(summary, log)
