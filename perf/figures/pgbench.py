"""What pgbench says: its summary, and its log of single transactions. Pure."""

import re
from collections.abc import Iterable
from dataclasses import replace

from perf.errors import OutputError
from perf.figures import fio_output
from perf.figures.fio_output import Figures

# As its documentation advises: a scale not below the clients, prepared statements; the transaction is TPC-B's.
SCALE, CLIENTS, THREADS = 4, 4, 2
OPTIONS = ("--protocol=prepared", f"--client={CLIENTS}", f"--jobs={THREADS}", "--no-vacuum")
_TPS = re.compile(r"^tps = ([0-9.]+) \(without initial connection time\)", re.MULTILINE)
_DONE = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)
LATENCY_FIELD = 2  # client, transaction, microseconds, script, seconds, microseconds


def parse(summary: str, log: Iterable[str]) -> Figures:
    """Transactions as operations; each writes, so all of them are writes. Latencies are the log's."""
    tps, done, failed = _TPS.search(summary), _DONE.search(summary), _FAILED.search(summary)
    if tps is None or done is None or int(done[1]) == 0 or (failed and int(failed[1])):
        raise OutputError(f"pgbench did not run: {summary.strip()[-500:]!r}")
    try:
        latencies = [float(line.split()[LATENCY_FIELD]) for line in log if line.strip()]
    except (IndexError, ValueError) as error:
        raise OutputError(f"pgbench's log cannot be read: {error}") from error
    if not latencies:
        raise OutputError("pgbench logged no transaction")
    rate, count = float(tps[1]), int(done[1])
    timed = fio_output.of_latencies(latencies)
    return replace(timed, iops=rate, write_iops=rate, ops=count, seconds=count / rate)
