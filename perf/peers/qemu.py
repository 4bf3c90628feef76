"""QEMU's network mirror: a quorum over a local file and an NBD child, by ``qemu-storage-daemon`` on both servers.

What it promises is less: there is no order between the two sides, so after a crash they may differ; no record of
differences, no copy, no lease. It is the nearest thing in C that takes the same path: an NBD client, a local file by
direct asynchronous I/O, TCP to a second file, an answer when both have it.
"""

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import LabError, WaitTimeout
from harness.labs.server import Server
from harness.run import Process, kill_group
from harness.topology import MIRROR
from harness.wait import wait_for
from perf.errors import PerfError
from perf.figures.jobs import Target
from perf.figures.results import ACTIVE, STANDBY
from perf.shell import machine
from perf.shell.pair import Pair

PROGRAM = "qemu-storage-daemon"
PORT = 10810
SOCKET = "/run/qemu-mirror.sock"
READY_S = 30.0
# As QEMU's documentation advises for raw files that nobody else caches.
FILE = "driver=file,cache.direct=on,aio=native"


def target_argv(image: Path, address: str) -> list[str]:
    """The side that only receives."""
    return [
        PROGRAM,
        "--blockdev", f"{FILE},node-name=disk,filename={image}",
        "--nbd-server", f"addr.type=inet,addr.host={address},addr.port={PORT}",
        "--export", "type=nbd,id=disk,node-name=disk,name=disk,writable=on",
    ]  # fmt: skip


def source_argv(image: Path, address: str) -> list[str]:
    """The side that serves: reads from its own file, writes to both, answers when both have answered."""
    quorum = (
        "driver=quorum,node-name=mirror,children.0=own,children.1=other,vote-threshold=1,read-pattern=fifo"
    )
    return [
        PROGRAM,
        "--blockdev", f"{FILE},node-name=own,filename={image}",
        "--blockdev",
        f"driver=nbd,node-name=other,export=disk,server.type=inet,server.host={address},server.port={PORT}",
        "--blockdev", quorum,
        "--nbd-server", f"addr.type=unix,addr.path={SOCKET}",
        "--export", "type=nbd,id=mirror,node-name=mirror,name=mirror,writable=on",
    ]  # fmt: skip


def wait_ended(process: Process) -> None:
    """Wait until a killed program was reaped: until then it may hold its locks on an image."""
    with contextlib.suppress(WaitTimeout):
        wait_for(lambda: process.poll() is not None, READY_S, "a peer to end", poll_s=0.01)
    kill_group(process)


class QemuMirror:
    """Runs on the two raw images of a pair, from ``with`` to its end."""

    uri = f"nbd+unix:///mirror?socket={SOCKET}"
    target = Target(uri=uri)

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        lan = next(lan for lan in pair.lab.topology.lans if MIRROR in lan.roles)
        self._address = lan.addresses[pair.standby.name].partition("/")[0]
        self._processes: list[Process] = []

    def __enter__(self) -> Self:
        own, other = self._pair.plain_images
        try:
            self._begin(self._pair.standby, target_argv(other, self._address),
                        f"nbd://{self._address}:{PORT}/disk")  # fmt: skip
            self._begin(self._pair.active, source_argv(own, self._address), self.uri)
        except BaseException:
            self._end()
            raise
        return self

    def _begin(self, server: Server, argv: list[str], uri: str) -> None:
        process = server.popen(argv, stdout=None, stderr=None)
        self._processes.append(process)
        wait_for(lambda: self._answers(process, uri), READY_S, f"{PROGRAM} to answer on {server.name}")

    def _answers(self, process: Process, uri: str) -> bool:
        if process.poll() is not None:
            raise PerfError(f"{PROGRAM} ended with {process.returncode}")
        return self._pair.active.run(["nbdinfo", "--size", uri], check=False).ok

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each of its two processes."""
        sides = ((ACTIVE, self._pair.active), (STANDBY, self._pair.standby))
        return {side: machine.cpu_seconds(pid) for side, server in sides for pid in server.pids_of(PROGRAM)}

    def _end(self) -> None:
        for server in (self._pair.active, self._pair.standby):
            with contextlib.suppress(LabError):
                server.kill_program(PROGRAM)
        for process in self._processes:
            wait_ended(process)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
