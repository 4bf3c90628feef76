"""The second scene: two whole servers with twinsetd, a group with PostgreSQL, and a client on the public LAN.

For what needs more than the data path: applications on a mounted file system, and how long a switch of servers
takes. Time is not scaled here. The raw rows run on the same server, on an image of the same size with the same file
system and a PostgreSQL of its own.
"""

import contextlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.demo import ledger, scripts, timeline
from harness.errors import HarnessError
from harness.labs import pair
from harness.labs.namespaces import Lab
from harness.run import PIPE, Process, kill_group, run
from harness.topology import FLOATING_IP
from harness.wait import now_s, wait_for
from perf.errors import PerfError
from perf.figures import pgbench
from perf.figures.fio_output import Figures
from perf.figures.jobs import Target
from perf.figures.matrix import PGBENCH, Cell
from perf.figures.results import RAW
from perf.shell import fio, images

DISK_MIB_MIN = 512  # PostgreSQL with its log, and what pgbench fills
RAW_MOUNT, RAW_PORT, PORT = "/mnt/raw", 5433, 5432
SOCKETS = "/run/postgresql"
LIMIT_S = 300.0
ROWS_BEFORE, ROWS_AFTER = 100, 20


def answered_again_s(rows: list[ledger.Acknowledged], cut_s: float) -> float:
    """When the client's outage ended: some rows are still acknowledged while the power goes."""
    outage = ledger.outage(rows, cut_s)
    if outage is None:
        raise PerfError("the client had no answer after the power cut")
    return outage.first_after.at_s


class Cluster:
    """One cluster from its creation to its end."""

    def __init__(self, disk_mib: int) -> None:
        mib = max(disk_mib, DISK_MIB_MIN)
        self.lab = Lab.create(
            scale=1.0, disk_mib=mib, volatile_cache=False, filesystem="ext4", name="perf-cluster"
        )
        self.active = self.lab.server1
        self._runs = 0
        self._raw = self.lab.directory / "raw.img"
        self.directory = self.lab.artefacts.directory / "fio"

    def prepare(self, *, applications: bool) -> None:
        """Bring the cluster up; for applications a raw disk beside it, and both filled for pgbench."""
        self.directory.mkdir(exist_ok=True)
        start = pair.install_script(self.lab, "db-start.sh", scripts.START)
        stop = pair.install_script(self.lab, "db-stop.sh", scripts.STOP)
        pair.bring_up(self.lab, LIMIT_S, scripts=[(start, stop)])
        if applications:
            self._prepare_raw()
            for port in (PORT, RAW_PORT):
                self._pgbench(port, ["--initialize", f"--scale={pgbench.SCALE}", "--quiet"])

    def _prepare_raw(self) -> None:
        images.make(self._raw, self.lab.server1.disk.partitions[1].size_bytes)
        run(["mke2fs", "-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=1", str(self._raw)])
        self.active.run(["mkdir", "-p", RAW_MOUNT])
        device = self.active.run(
            ["losetup", "--find", "--show", "--direct-io=on", str(self._raw)]
        ).stdout.strip()
        self.active.run(["mount", device, RAW_MOUNT])
        self.active.run(["losetup", "--detach", device])  # goes when the last user, the mount, goes
        self._raw_database("start", scripts.START)

    def _raw_database(self, name: str, text: str) -> None:
        """The group's own script, on the raw disk and on another port."""
        moved = text.replace(pair.MOUNT_POINT, RAW_MOUNT).replace(
            scripts.LOG, scripts.LOG.replace("postgres", "raw")
        )
        path = pair.install_script(self.lab, f"raw-{name}.sh", moved)
        self.active.run(["env", f"PGPORT={RAW_PORT}", path], timeout_s=LIMIT_S)

    # -- applications

    def argv(self, argv: Sequence[str]) -> list[str]:
        """A command line on the active server."""
        return self.active.argv(argv)

    def measure(self, cell: Cell, number: int, seconds: float) -> Figures:
        """One application in one row, in one round."""
        raw = cell.row == RAW
        if cell.workload == PGBENCH:
            return self._transactions(RAW_PORT if raw else PORT, seconds, number)
        place = f"{RAW_MOUNT if raw else pair.MOUNT_POINT}/small"
        self.active.run(["mkdir", "-p", place])
        self._runs += 1
        text = fio.load(cell.workload).aimed([Target(directory=place)], seed=number + 1, seconds=seconds)
        found = fio.Fio(self, text, self.directory / f"{self._runs:04d}-{cell.workload}").figures(seconds)
        self.active.run(["rm", "-r", place])
        return found[0]

    def _transactions(self, port: int, seconds: float, number: int) -> Figures:
        self._runs += 1
        logs = self.directory / f"pgbench-{self._runs:04d}"
        logs.mkdir()
        whole = max(1, round(seconds))  # pgbench knows whole seconds only
        words = [*pgbench.OPTIONS, f"--time={whole}", f"--random-seed={number + 1}"]
        summary = self._pgbench(port, [*words, "--log", f"--log-prefix={logs}/log"])
        lines = [line for file in logs.iterdir() for line in file.read_text().splitlines()]
        shutil.rmtree(logs)
        return pgbench.parse(summary, lines)

    def _pgbench(self, port: int, words: Sequence[str]) -> str:
        argv = ["pgbench", f"--host={SOCKETS}", f"--port={port}", "--username=postgres", *words, "postgres"]
        return self.active.run(argv, timeout_s=LIMIT_S).stdout

    # -- switching

    def power_cut(self) -> dict[str, float]:
        """Milliseconds from a power cut to the end of each part of the failover, and to the client's first answer."""
        if self._raw.exists():
            self._raw_database("stop", scripts.STOP)
            self.active.run(["umount", RAW_MOUNT])
            self._raw.unlink()
        log = self.lab.client.directory / "log" / "ledger.log"
        argv = [sys.executable, "-m", "harness.demo.client", FLOATING_IP, str(PORT), str(log)]
        with log.with_name("client.err").open("w") as errors:
            client = self.lab.client.popen(argv, stdin=PIPE, stdout=errors, stderr=errors)
        try:
            return self._cut(client, log)
        finally:
            kill_group(client)

    def _cut(self, client: Process, log: Path) -> dict[str, float]:
        def rows() -> list[ledger.Acknowledged]:
            if client.poll() is not None:
                raise PerfError(f"the client ended: {log.with_name('client.err').read_text()[-500:]}")
            with log.open() as lines:
                return ledger.parse(lines)

        wait_for(lambda: log.exists() and len(rows()) >= ROWS_BEFORE, LIMIT_S, "rows before the power cut")
        survivor = self.lab.peer_of(self.active)
        cut_s = now_s()
        self.lab.power_off(self.active)
        off_s = now_s()
        pair.await_group(survivor, "active", LIMIT_S, on=survivor.name)
        wait_for(lambda: sum(row.at_s > off_s for row in rows()) >= ROWS_AFTER, LIMIT_S, "rows after it")
        self.active = survivor
        answered_s = answered_again_s(rows(), cut_s)
        ended = {stage.name: stage.end_ms for stage in timeline.ends(survivor.events(), cut_s)}
        found = {events[0]: (ended[name] - cut_s) * 1000 for name, events in timeline.STAGES if name in ended}
        return {**found, "client": (answered_s - cut_s) * 1000}

    # -- its end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, HarnessError | PerfError):
            self.lab.artefacts.note(f"ended by {error!r}")
            with contextlib.suppress(Exception):
                self.lab.artefacts.snapshot(self.lab)
        self.lab.destroy()
