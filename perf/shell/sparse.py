"""Mirror sets on sparse disks of any size, beside those that are measured: for how cost grows."""

import contextlib
from collections.abc import Iterator

from harness.faults.disk import Disk, create_image
from perf.shell.mirror_set import MIRRORD, MirrorSet
from perf.shell.pair import SIGNATURE, Pair

FIRST = 40  # number of the first of these sets: away from those that are measured


@contextlib.contextmanager
def sets_of(pair: Pair, count: int, mib: int) -> Iterator[list[MirrorSet]]:
    """So many sets on new sparse disks of that size, not started; nothing is left of them afterwards."""
    sets, images = [], []
    try:
        for number in range(FIRST, FIRST + count):
            disks = []
            for server in pair.lab.servers:
                image = server.directory / f"grow{number}.img"
                create_image(image, mib, SIGNATURE + number)
                images.append(image)
                disks.append(Disk(image, image, None, 1))
            sets.append(MirrorSet(pair.lab, number, disks))
        yield sets
    finally:
        for one in sets:
            one.stop()
            for server in pair.lab.servers:
                one.forget(server)
        for image in images:
            image.unlink()


def pids(pair: Pair) -> set[int]:
    """Every mirror process of both servers."""
    return {pid for server in pair.lab.servers for pid in server.pids_of(MIRRORD)}
