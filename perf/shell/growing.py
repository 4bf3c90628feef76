"""Starts mirror processes over disks of growing size, and more and more of them; nothing is copied or written."""

from harness.faults.disk import Disk, create_image
from harness.wait import now_s
from perf.figures.growth import DISK_GIB, SIZES
from perf.shell import machine
from perf.shell.mirror_set import MIRRORD, MirrorSet
from perf.shell.pair import SIGNATURE, Pair

FIRST = 40  # number of the first of these sets: away from those that are measured
SET_MIB = 64


def measure(pair: Pair, size: str) -> dict[str, dict[str, float]]:
    """Start-up and memory on the active server, by the sizes of one kind."""
    found = {}
    for amount in SIZES[size]:
        mib = amount << 10 if size == DISK_GIB else SET_MIB
        found[str(amount)] = _start(pair, 1 if size == DISK_GIB else amount, mib)
    return found


def _start(pair: Pair, count: int, mib: int) -> dict[str, float]:
    """So many sets on sparse disks of that size: seconds until all answer, and what they have resident then."""
    before = set(pair.active.pids_of(MIRRORD))
    sets, images = [], []
    for number in range(FIRST, FIRST + count):
        image = pair.active.directory / f"grow{number}.img"
        create_image(image, mib, SIGNATURE + number)
        images.append(image)
        disk = Disk(image, image, None, 1)
        sets.append(MirrorSet(pair.lab, number, [disk, disk]))  # only one of the two is ever opened
    try:
        begin = now_s()
        for one in sets:
            one.launch(pair.active)
        for one in sets:
            one.await_answer(pair.active)
        seconds = now_s() - begin
        pids = set(pair.active.pids_of(MIRRORD)) - before
        return {"start_s": seconds, "rss_kib": float(sum(machine.memory_kib(pid, "VmRSS") for pid in pids))}
    finally:
        for one in sets:
            one.stop()
        for image in images:
            image.unlink()
