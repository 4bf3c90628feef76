"""The verifying writer of ``harness.writer`` on a virtual machine; what it was promised is noted on this machine.

So the notes outlive the power of the one that writes, and are what the other one is asked for.
"""

import contextlib
from pathlib import Path

from harness.errors import HarnessError
from harness.labs.machine import Machine
from harness.labs.pair import MOUNT_POINT
from harness.run import PIPE, Process, kill_group
from harness.wait import wait_for
from harness.writer import acknowledged

FILE = f"{MOUNT_POINT}/ledger"
PYTHON = "/opt/twinset/bin/python"
COPIED_LOG = "/var/lib/twinset/writer.log"
LATE_S = 300.0  # emulated, on a busy machine


class FarScribe:
    """One writer on one machine."""

    def __init__(self, machine: Machine, log: Path, seed: int = 1) -> None:
        self.log = log
        self._machine = machine
        # Never into the bare directory below the mount point: what is promised there is promised by nobody.
        script = (
            f"mountpoint -q {MOUNT_POINT} && exec {PYTHON} -m harness.writer write {FILE} /dev/stdout {seed}"
        )
        argv = ["sh", "-c", script]
        with log.open("w") as output:
            self._process: Process = machine.popen(argv, stdin=PIPE, stdout=output, stderr=output)

    def written(self) -> int:
        """How many writes have been acknowledged so far."""
        with self.log.open() as lines:
            return acknowledged(lines)[1]

    def await_more(self, count: int, timeout_s: float = LATE_S) -> None:
        """Return once that many more writes have been acknowledged; an error of the writer ends the wait."""
        target = self.written() + count

        def there() -> bool:
            if self._process.poll() is not None:
                raise HarnessError(f"the writer on {self._machine.name} ended: {self.log.read_text()[-300:]}")
            return self.written() >= target

        wait_for(there, timeout_s, f"{count} more acknowledged writes on {self._machine.name}")

    def stop(self) -> None:
        """End the writer in order; it must not have seen an error or an old block."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            wait_for(lambda: self._process.poll() is not None, LATE_S, "the writer to end")
        finally:
            self.kill()
        trouble = [line for line in self.log.read_text().splitlines() if line.startswith("#")]
        if trouble != ["# ready"]:
            raise HarnessError(f"the application on {self._machine.name} saw: {'; '.join(trouble)}")

    def kill(self) -> None:
        """Nobody listens any more: this machine's end of the connection goes."""
        kill_group(self._process)

    def verify(self, machine: Machine) -> str:
        """Every acknowledged write is there, as read on this machine; the check's own line."""
        machine.write_file(COPIED_LOG, self.log.read_text())
        argv = [PYTHON, "-m", "harness.writer", "verify", FILE, COPIED_LOG]
        result = machine.run(argv, check=False, timeout_s=LATE_S)
        if not result.ok:
            raise HarnessError(f"as read on {machine.name}: {result.stdout}{result.stderr}")
        return result.stdout.strip()
