"""The story, step by step. Each does one thing an operator or a fault would do, and checks what it claims."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from harness import audits
from harness.demo import ledger, scripts, timeline
from harness.demo.narration import Narration
from harness.errors import AuditFailed, HarnessError
from harness.labs import pair
from harness.labs.namespaces import Lab
from harness.labs.server import Server
from harness.run import PIPE, Process, kill_group
from harness.topology import FLOATING_IP
from harness.wait import now_s, settle, wait_for

POSTGRES_PORT = 5432
ROWS_BEFORE_CUT = 1000
ROWS_AFTER_FAILOVER = 500
MIB = 1 << 20


@dataclass
class Figures:
    """What one run measured, for the summary of several."""

    seed: int
    rows_before_cut: int = 0
    rows: int = 0
    outage_ms: float = 0.0
    move_ms: float = 0.0
    copied_mib: float = 0.0


@dataclass
class Demonstration:
    """One run of the story."""

    lab: Lab
    tell: Narration
    random: Random
    figures: Figures
    client: Process | None = None
    cut_at_s: float = 0.0
    failures: list[str] = field(default_factory=list)

    def play(self) -> bool:
        """Tell the whole story; True when everything that was claimed held."""
        try:
            self.configure()
            self.create_mirror()
            self.start_group()
            active = self.insert_until_the_cut()
            survivor = self.cut_power(active)
            self.show_failover(survivor)
            self.return_server(active, survivor)
            self.move_back(active)
            self.check_rows(active)
            self.compare_disks()
        finally:
            self.stop_client()
        return not self.failures

    # -- the steps

    def configure(self) -> None:
        """Bare servers become a cluster."""
        self.tell.step("Two servers become a cluster")
        self.tell.say(
            "Nothing is shared between them: each has one disk of its own, and three networks join them."
        )
        self.tell.console.print(self.lab.topology.diagram(), style="dim")
        pair.await_daemons(self.lab)
        start = pair.install_script(self.lab, "db-start.sh", scripts.START)
        stop = pair.install_script(self.lab, "db-stop.sh", scripts.STOP)
        one = self.lab.server1
        path = pair.write_configuration(self.lab, one, scripts=[(start, stop)])
        one.twinset("check", path)
        self.tell.proved("twinset check: the configuration breaks no rule")
        one.twinset("cluster", "create", path)
        one.twinset("cluster", "start")
        pair.await_both_normal(self.lab, 90)
        self.tell.proved("twinset cluster create, twinset cluster start: both servers operate normally (O)")

    def create_mirror(self) -> None:
        """The disks become a mirror set: a full copy, with progress."""
        one = self.lab.server1
        self.tell.step("Their disks become a mirror set")
        self.tell.say("server1's disk is the source; every byte of its data partition goes to server2.")
        pair.insist(one, "mirror.create", pair.PATIENCE_S, set=pair.SET, source=one.name)
        self._watch_copy("full copy", one)
        self.tell.proved("the set is NORMAL: each write is acknowledged only when both disks have it")

    def start_group(self) -> None:
        """The group comes up: mirror disk, file system, floating IP address, PostgreSQL."""
        self.tell.step("A failover group starts: mirror disk, floating IP address, PostgreSQL")
        self.lab.server1.twinset("group", "start", pair.GROUP, timeout_s=180)
        pair.await_group(self.lab.server1, "active", 120)
        holder = pair.active_server(self.lab, self.lab.server1)
        self.tell.proved(
            f"PostgreSQL runs on {holder.name}; clients reach it at {FLOATING_IP}, wherever it runs"
        )

    def insert_until_the_cut(self) -> Server:
        """A client inserts; the cut comes at an instant that nobody chose."""
        self.start_client()
        wait_for(lambda: len(self.rows()) >= ROWS_BEFORE_CUT, 180, f"{ROWS_BEFORE_CUT} acknowledged rows")
        settle(self.random.uniform(0.0, 2.0))
        return self.lab.server(pair.active_server(self.lab, self.lab.server1).name)

    def start_client(self) -> None:
        """The client begins."""
        self.tell.step("A client inserts rows, one commit each, and writes down what was acknowledged")
        argv = [
            sys.executable,
            "-m",
            "harness.demo.client",
            FLOATING_IP,
            str(POSTGRES_PORT),
            str(self.log_file),
        ]
        errors = (self.lab.client.directory / "log" / "client.err").open("w")
        with errors:
            self.client = self.lab.client.popen(argv, stdin=PIPE, stdout=errors, stderr=errors)

    def cut_power(self, active: Server) -> Server:
        """The power cut: no warning, no clean unmount, and the disk loses what was not flushed."""
        self.cut_at_s = now_s()
        self.lab.power_off(active, seed=self.random.getrandbits(32))
        acknowledged = self.figures.rows_before_cut = sum(row.at_s <= self.cut_at_s for row in self.rows())
        self.tell.step(f"Power cut of {active.name}, after {acknowledged:,} acknowledged rows")
        self.tell.say("Every process is dead at once, no connection was closed, and a random part of what")
        self.tell.say("its disk had not been told to flush is gone.")
        survivor = self.lab.peer_of(active)
        pair.await_group(survivor, "active", 180, on=survivor.name)
        self.await_rows("after the failover")
        return survivor

    def show_failover(self, survivor: Server) -> None:
        """Where the time went, and that no acknowledged row is missing."""
        self.tell.step(f"{survivor.name} has taken over by itself")
        gap = ledger.outage(self.rows(), self.cut_at_s)
        stages = timeline.failover(survivor, self.cut_at_s, gap.first_after.at_s if gap else now_s())
        note = f"time scale {self.lab.scale:g}: both phases last {1 / self.lab.scale:g} times that"
        self.tell.table("Failover", ("", "at ms", "took ms"), timeline.rows(stages), f"{note} at scale 1")
        if gap is None:
            self._claim(False, "the client got rows acknowledged after the failover")
            return
        log = survivor.state_directory / "postgres.log"
        recovery = timeline.recovery_ms(log.read_text(errors="replace")) if log.exists() else None
        if recovery is not None:
            self.tell.say(f"PostgreSQL's own crash recovery took {recovery:,.0f} ms of that.")
        self.figures.outage_ms = gap.duration_s * 1000
        self.tell.say(f"The client saw no acknowledgement for [bold]{self.figures.outage_ms:,.0f} ms[/bold].")
        self.check_rows(survivor)

    def return_server(self, failed: Server, survivor: Server) -> None:
        """Power comes back; the returned server gets only what it missed."""
        self.tell.step(f"{failed.name} gets its power back")
        self.lab.power_on(failed)
        pair.await_server(survivor, failed.name, "Od", 120)
        self.tell.proved(f"{failed.name} is restarted after down and isolated (Od): what it holds is old")
        survivor.twinset("server", "return", failed.name)
        self._watch_copy("high-speed copy", survivor)
        copied = survivor.status_of_set(pair.SET)
        size, done = copied["size_bytes"], copied["copied_bytes_last"]
        self.figures.copied_mib = done / MIB
        self.tell.say(
            f"Copied {done / MIB:,.1f} MiB of a disk of {size / MIB:,.0f} MiB ({100 * done / size:.1f} %): "
            f"{copied['copy_mode_last']}, while the client went on."
        )
        self._claim(
            copied["copy_mode_last"] == "high-speed", "the copy was a high-speed copy, not a full one"
        )
        pair.await_both_normal(self.lab, 60)

    def move_back(self, home: Server) -> None:
        """An operator moves the group back."""
        self.tell.step(f"The operator moves the group back to {home.name}")
        self.move(home)

    def move(self, to: Server) -> None:
        """Move the group, and see what the client notices of it."""
        begun = now_s()
        to.twinset("group", "move", pair.GROUP, to.name, timeout_s=300)
        pair.await_group(to, "active", 120, on=to.name)
        self.await_rows("after the move")
        gap = ledger.outage(self.rows(), begun)
        self.figures.move_ms = gap.duration_s * 1000 if gap else 0.0
        self.tell.proved(f"moved to {to.name}; the client waited {self.figures.move_ms:,.0f} ms")

    def await_rows(self, when: str, count: int = ROWS_AFTER_FAILOVER) -> None:
        """The client goes on."""
        before = len(self.rows())
        wait_for(lambda: len(self.rows()) >= before + count, 120, f"rows {when}")

    def check_rows(self, server: Server) -> None:
        """Every acknowledged row is in the table."""
        acknowledged = self.rows()
        uri = f"host={FLOATING_IP} port={POSTGRES_PORT} user=postgres dbname=postgres connect_timeout=10"
        sql = "SELECT number FROM ledger"
        answer = self.lab.client.run(["psql", "--no-psqlrc", "-At", "-c", sql, uri], timeout_s=60)
        self.figures.rows = len(acknowledged)
        missing = ledger.lost(acknowledged, map(int, answer.stdout.split()))
        text = f"all {len(acknowledged):,} acknowledged rows are in the table on {server.name}"
        shown = f": missing {missing[:10]}" if missing else ""
        self._claim(not missing, f"{text}{shown}")

    def compare_disks(self) -> None:
        """Both disks hold the same bytes after a clean stop."""
        self.tell.step("The cluster stops; both disks are compared byte for byte")
        self.stop_client()
        self.lab.server1.twinset("cluster", "stop", timeout_s=300)
        pair.await_stopped(self.lab, 120)
        try:
            audit = audits.same_data(self.lab).require()
        except AuditFailed as error:
            self._claim(False, str(error))
            return
        self._claim(True, f"{audit.looked_at / MIB:,.0f} MiB compared: identical")

    # -- what the steps share

    @property
    def log_file(self) -> Path:
        """The client's log of acknowledged rows."""
        return self.lab.client.directory / "log" / "ledger.log"

    def rows(self) -> list[ledger.Acknowledged]:
        """What has been acknowledged so far."""
        if self.client is not None and self.client.poll() not in (None, 0):
            raise HarnessError(
                f"the client ended: {(self.log_file.parent / 'client.err').read_text()[-1000:]}"
            )
        if not self.log_file.exists():
            return []
        with self.log_file.open() as log:
            return ledger.parse(log)

    def stop_client(self) -> None:
        """Let the client finish the row it is at, and end."""
        if self.client is not None and self.client.stdin is not None:
            self.client.stdin.close()
            try:
                self.client.wait(15)
            finally:
                kill_group(self.client)
        self.client = None

    def _watch_copy(self, what: str, server: Server) -> None:
        """Show a copy until the set is NORMAL."""
        size = server.status_of_set(pair.SET).get("size_bytes") or 1
        with self.tell.progress(what, size) as bar:

            def normal() -> bool:
                now: dict[str, Any] = server.status_of_set(pair.SET)
                copy = now.get("copy")
                if copy:
                    bar.show(copy["bytes_done"], copy["bytes_total"])
                return now.get("state") == "NORMAL"

            wait_for(normal, 240, f"the {what} to complete", poll_s=0.1)
            done = server.status_of_set(pair.SET).get("copied_bytes_last") or size
            bar.show(done, done)

    def _claim(self, holds: bool, text: str) -> None:
        if holds:
            self.tell.proved(text)
        else:
            self.failures.append(text)
            self.tell.failed(text)
