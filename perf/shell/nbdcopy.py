"""The plain tool, ``nbdcopy``: an image of the same size from server to server over the mirror connect."""

import contextlib

from harness.errors import LabError
from harness.run import Process, kill_group, run
from harness.topology import MIRROR
from harness.wait import now_s, wait_for
from perf.errors import PerfError
from perf.figures.results import CopyMeasurement
from perf.shell import images
from perf.shell.pair import Pair

COPY_S = 600.0
PORT = 10809


def measure(pair: Pair) -> CopyMeasurement:
    """One copy.

    It reads the file with the kernel's read-ahead and an empty cache, and writes by direct I/O (qemu-nbd
    with its default threads, four connections); it looks neither for holes nor for zeros, and flushes at
    the end: the same bytes cross the same wire, and are on the other disk when it ends. Of the ways to
    run it that were tried this was the fastest.
    """
    pair.to_normal()
    source, target = pair.plain_images
    lan = next(lan for lan in pair.lab.topology.lans if MIRROR in lan.roles)
    address = lan.addresses[pair.standby.name].partition("/")[0]
    images.forget(source)
    server = pair.standby.popen(
        ["qemu-nbd", "--format=raw", "--cache=none", "--aio=threads", "--persistent", "--shared=8",
         f"--bind={address}", f"--port={PORT}", str(target)],
        stdout=None, stderr=None,
    )  # fmt: skip
    uri = f"nbd://{address}:{PORT}/"
    try:
        wait_for(lambda: _answers(pair, uri, server), 30, "qemu-nbd to answer")
        argv = ["nbdcopy", "--no-extents", "--sparse=0", "--flush", str(source), uri]
        command = pair.active.argv(argv)
        begin = now_s()
        run(command, timeout_s=COPY_S, env=pair.active.env)
        return CopyMeasurement(pair.data_bytes, now_s() - begin)
    finally:
        with contextlib.suppress(LabError):
            pair.standby.kill_program("qemu-nbd")
        kill_group(server)


def _answers(pair: Pair, uri: str, server: Process) -> bool:
    if server.poll() is not None:
        raise PerfError(f"qemu-nbd ended with {server.returncode}")
    return pair.active.run(["nbdinfo", "--size", uri], check=False).ok
