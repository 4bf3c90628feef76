"""How much it takes to plan a copy, by the size of the disk: the walk of the maps, and the begin of a full copy."""

from time import process_time

from harness.wait import now_s, wait_for
from perf.shell import machine, sparse
from perf.shell.mirror_set import MirrorSet
from perf.shell.pair import Pair
from twinset.mirror.maps import EPOCH, Maps, extent_shift, pack, unpack

MIB = 1 << 20
EVERY = 1000  # extents: one of them written, one of them different
FIRST_BLOCK_S = 120.0


def measure(pair: Pair, mib: int) -> dict[str, float]:
    """The costs of one size."""
    others = sparse.pids(pair)
    with sparse.sets_of(pair, 1, mib) as [one]:
        for server in pair.lab.servers:
            one.start(server)
        return {"walk_cpu_ms": walk_cpu_ms(mib * MIB), **_first_block(pair, one, sparse.pids(pair) - others)}


def walk_cpu_ms(size_bytes: int) -> float:
    """Processor time of what a reconnect does with the maps of a sparse difference; as compiled as the mirror's own.

    The maps of a former process are taken over, window and difference are packed for the other side, its own are
    unpacked and added, and the copy walks from one difference to the next.
    """
    shift = extent_shift(size_bytes)
    count = (size_bytes + (1 << shift) - 1) >> shift
    window, header = (memoryview(bytearray(length)) for length in (count * 4, 24))
    dirty, epochs, numbers = bytearray(count), window.cast("I"), header.cast("Q")
    numbers[EPOCH] = 5
    for extent in range(0, count, EVERY):
        epochs[extent] = 5
        dirty[min(extent + EVERY // 2, count - 1)] = 1
    begin = process_time()
    maps = Maps(size_bytes, shift, epochs, dirty, numbers, continuous=True)
    maps.add(unpack(pack(maps.unsure()), count))
    extent = maps.next_dirty(0)
    while extent >= 0:
        extent = maps.next_dirty(extent + 1)
    return (process_time() - begin) * 1000


def _first_block(pair: Pair, one: MirrorSet, pids: set[int]) -> dict[str, float]:
    """A new set: from the request to copy until its first block is on the other side."""
    one.prepare(pair.active)

    def copied() -> bool:
        status = one.status(pair.active)
        copy = status.get("copy") or {}
        return bool(copy.get("bytes_done")) or status.get("set_state") == "NORMAL"

    before, begin = sum(map(machine.cpu_seconds, pids)), now_s()
    one.begin(pair.active)
    wait_for(copied, FIRST_BLOCK_S, "the first block to be copied", poll_s=0.005)
    seconds, used = now_s() - begin, sum(map(machine.cpu_seconds, pids)) - before
    return {"permit_s": seconds, "permit_cpu_ms": used * 1000}
