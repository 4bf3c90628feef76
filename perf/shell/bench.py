"""What cells, copies and rebuilds are measured on: two servers with a mirror between them, however they are made."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from perf.figures.conditions import Condition
from perf.figures.fio_output import Figures
from perf.figures.jobs import Target
from perf.figures.results import CopyMeasurement


class Run(Protocol):
    """One run of fio on the active server."""

    @property
    def ended(self) -> bool:
        """True once fio has gone."""

    def stop(self) -> None:
        """End it early, as Ctrl-C would: what was measured so far is reported."""

    def kill(self) -> None:
        """End it without figures; for the way out of an error."""

    def figures(self, limit_s: float) -> list[Figures]:
        """Wait for the end and return one entry a job section."""


class Peer(Protocol):
    """What a row of another program runs on."""

    @property
    def target(self) -> Target:
        """What fio is aimed at."""

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of its processes by side; empty where it says nothing."""


class Bench(Protocol):
    """Two servers; ``Pair`` on namespaces, ``Machines`` in virtual machines."""

    condition: Condition
    directory: Path  # for job files and what fio prints
    poll_s: float  # between two looks while something is measured: a look costs a machine more than a process

    @property
    def data_bytes(self) -> int:
        """The size of the measured set's data partition."""

    @property
    def targets(self) -> tuple[list[Target], list[Target]]:
        """What the raw row and the mirrored row run on under this condition: as many images as exports."""

    @property
    def raw(self) -> tuple[Target, ...]:
        """The plain disks; with two of them writing both at once is the limit."""

    def prepare(self, *, mirrored: bool) -> None:
        """Bring everything up."""

    def come_under(self, condition: Condition) -> None:
        """Slow disks and links, other sets: from now on everything is measured so."""

    def fio(self, text: str, stem: Path) -> Run:
        """Start a job on the active server."""

    def status(self) -> dict[str, Any]:
        """What the active side says of the measured set; empty while it cannot be asked."""

    def sample(self, every: int) -> dict[str, Any]:
        """Have every Nth operation stamped, 0: none; by side, what was seen."""

    def to_normal(self) -> None:
        """Both sides in step."""

    def to_broken(self) -> None:
        """The other server is away and known to be."""

    def fail_over(self) -> None:
        """The active server loses its power; the other one serves from now on, alone."""

    def return_standby(self, *, blank: bool) -> None:
        """The other server is back, with its old disks or new ones; no copy may run yet."""

    def permit_copy(self) -> None:
        """The copy begins now."""

    def copied_s(self, limit_s: float) -> float:
        """Permit the copy, wait until both sides are in step, and return how long it took."""

    def copy_has_ended(self) -> bool:
        """True once both sides are in step again."""

    def await_normal(self, timeout_s: float) -> None:
        """Return when both sides are in step."""

    def await_requests(self, or_else: Callable[[], bool]) -> None:
        """Return when a client's request is in flight, or when ``or_else()`` is true."""

    def unslowed(self) -> AbstractContextManager[None]:
        """What is not measured goes as fast as the machine does."""

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each side's mirror processes; empty where it says nothing."""

    def memory_kib(self, field: str) -> dict[str, int]:
        """``VmRSS`` or ``VmHWM`` of each side's mirror processes."""

    def verify(self) -> None:
        """Both copies are byte-identical: figures of a mirror that does not mirror are worth nothing."""


class Others(Protocol):
    """What is measured beside the mirror, on the same machines and disks."""

    def peer(self, row: str) -> AbstractContextManager[Peer]:
        """Another mirror or server on the same disks; PerfError for a row that is not had here."""

    def peer_copy(self, kind: str) -> CopyMeasurement:
        """A copy of the whole disk by another program; PerfError for one that is not had here."""

    def round_trip(self, seconds: float) -> Figures:
        """4 KiB to the other server and an answer, one after the other, by plain TCP."""

    def growth(self, size: str) -> dict[str, dict[str, float]]:
        """The costs by the sizes of one kind."""
