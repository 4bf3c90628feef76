"""What is measured on a pair's servers beside its mirror: other programs, the wire, what growing costs."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from perf.errors import PerfError
from perf.figures.fio_output import Figures
from perf.figures.results import NBD, NBDCOPY, QEMU, CopyMeasurement
from perf.peers.nbd import PlainNbd
from perf.peers.qemu import QemuMirror
from perf.shell import growing, nbdcopy, round_trip
from perf.shell.bench import Peer
from perf.shell.pair import Pair

PEERS: dict[str, Callable[[Pair], AbstractContextManager[Peer]]] = {QEMU: QemuMirror, NBD: PlainNbd}


class Beside:
    """See ``bench.Others``."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair

    def peer(self, row: str) -> AbstractContextManager[Peer]:
        """QEMU's mirror over both images, or its server over one."""
        if row not in PEERS:
            raise PerfError(f"{row} is measured in virtual machines only")
        return PEERS[row](self._pair)

    def peer_copy(self, kind: str) -> CopyMeasurement:
        """By nbdcopy."""
        if kind != NBDCOPY:
            raise PerfError(f"{kind} is measured in virtual machines only")
        return nbdcopy.measure(self._pair)

    def round_trip(self, seconds: float) -> Figures:
        """Of plain TCP."""
        return round_trip.measure(self._pair, seconds)

    def growth(self, size: str) -> dict[str, dict[str, float]]:
        """The costs of a start, by size of the disk or number of sets."""
        return growing.measure(self._pair, size)
