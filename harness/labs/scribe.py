"""The verifying writer of ``harness.writer``, run on whichever server is active."""

import contextlib
import sys
from pathlib import Path

from harness.errors import HarnessError
from harness.labs.namespaces import Lab
from harness.labs.pair import MOUNT_POINT
from harness.labs.server import Server
from harness.run import PIPE, Process, kill_group
from harness.wait import wait_for
from harness.writer import acknowledged

FILE = f"{MOUNT_POINT}/ledger"
STOP_SCRIPT = r"""#!/bin/sh
# As a service does: ask the writer to end, and wait for it.
for one in /proc/[0-9]*; do
    tr '\0' ' ' 2>/dev/null <"$one/cmdline" | grep -q 'harness\.writer write' || continue
    kill -TERM "${one#/proc/}"
    while [ -d "$one" ]; do sleep 0.1; done
done
exit 0
"""


class Scribe:
    """One writer on one server; its log lies outside both servers' disks."""

    def __init__(self, lab: Lab, server: Server, seed: int = 1, file: str = FILE) -> None:
        self._lab = lab
        self._file = file
        self._server = server
        self.log = lab.directory / server.name / "log" / f"writer-{seed}.log"
        argv = [sys.executable, "-m", "harness.writer", "write", file, str(self.log), str(seed)]
        errors = self.log.with_suffix(".err")
        with errors.open("w") as output:
            self._process: Process = server.popen(argv, stdin=PIPE, stdout=output, stderr=output)
        self.await_more(1)

    def written(self) -> int:
        """How many writes have been acknowledged so far."""
        return acknowledged(self._lines())[1]

    def await_more(self, count: int, timeout_s: float = 90) -> None:
        """Return once that many more writes have been acknowledged."""
        target = self.written() + count
        wait_for(
            lambda: self._going() and self.written() >= target, timeout_s, f"{count} more acknowledged writes"
        )

    def await_end(self, timeout_s: float = 90) -> list[str]:
        """The writer ended by itself (an error, or its server's death); return its remarks."""
        wait_for(lambda: self._process.poll() is not None, timeout_s, "the writer to end")
        return self.remarks()

    def stop(self) -> None:
        """End the writer, which must not have seen an error or an old block."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(60)
        finally:
            kill_group(self._process)
        trouble = [line for line in self.remarks() if "ready" not in line]
        if trouble:
            raise HarnessError(f"the application on {self._server.name} saw: {'; '.join(trouble)}")

    def remarks(self) -> list[str]:
        """Errors and wrong blocks that the writer met."""
        return [line.strip() for line in self._lines() if line.startswith("#")]

    def slowest_s(self) -> float:
        """The longest that a write, with its read-back, has taken; 0 below a tenth of a second."""
        return max(
            (float(line.split()[1]) for line in self._lines() if line.startswith("slow ")), default=0.0
        )

    def verify(self, server: Server) -> None:
        """Every acknowledged write is there, as read on this server."""
        argv = [sys.executable, "-m", "harness.writer", "verify", self._file, str(self.log)]
        result = server.run(argv, check=False, timeout_s=120)
        if not result.ok:
            raise HarnessError(f"as read on {server.name}: {result.stdout}{result.stderr}")
        self._lab.artefacts.note(f"verified on {server.name}: {result.stdout.strip()}")

    def _lines(self) -> list[str]:
        return self.log.read_text().splitlines(keepends=True) if self.log.exists() else []

    def _going(self) -> bool:
        if self._process.poll() is not None:
            errors = Path(self.log.with_suffix(".err")).read_text()[-1000:]
            raise HarnessError(f"the writer on {self._server.name} ended: {self.remarks()} {errors}")
        return True
