"""A plain NBD server over one raw image, ``qemu-nbd``: what serving alone costs, with no mirror behind it."""

import contextlib
from types import TracebackType
from typing import Self

from harness.errors import LabError
from harness.run import Process
from harness.wait import wait_for
from perf.errors import PerfError
from perf.figures.jobs import Target
from perf.peers.qemu import wait_ended
from perf.shell import machine
from perf.shell.pair import Pair

PROGRAM = "qemu-nbd"
SOCKET = "/run/plain-nbd.sock"
READY_S = 30.0
# As QEMU's documentation advises for raw files that nobody else caches.
ARGV = [
    PROGRAM,
    "--format=raw",
    "--cache=none",
    "--aio=native",
    "--persistent",
    "--shared=8",
    f"--socket={SOCKET}",
]


class PlainNbd:
    """Runs on the active server's raw image, from ``with`` to its end."""

    uri = f"nbd+unix:///?socket={SOCKET}"
    target = Target(uri=uri)

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self._process = process = self._pair.active.popen(
            [*ARGV, str(self._pair.plain_images[0])], stdout=None, stderr=None
        )
        try:
            wait_for(lambda: self._answers(process), READY_S, f"{PROGRAM} to answer")
        except BaseException:
            self._end()
            raise
        return self

    def _answers(self, process: Process) -> bool:
        if process.poll() is not None:
            raise PerfError(f"{PROGRAM} ended with {process.returncode}")
        return self._pair.active.run(["nbdinfo", "--size", self.uri], check=False).ok

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of its process."""
        return {"active": sum(machine.cpu_seconds(pid) for pid in self._pair.active.pids_of(PROGRAM))}

    def _end(self) -> None:
        with contextlib.suppress(LabError):
            self._pair.active.kill_program(PROGRAM)
        if self._process is not None:
            wait_ended(self._process)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
