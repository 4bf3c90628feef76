"""Where the time of an operation goes: every Nth one is watched from its arrival to its answer. Off until asked.

At most one operation is watched at a time, so the data path pays one comparison at each stamp (`op is latency.op`, or
the truth of a number), and what is kept is bounded. Each side stamps what it sees by its own clock; nothing of it
crosses the mirror connect, and no two clocks are compared. The unit is an operation of the data path: of a request
that is larger than the maximum I/O size, a piece.

`write`, mirrored. `queue`: from the receiving of its last byte until its frame is queued (cut, range lock, held);
`send`: until the socket has the frame; `receipt`: until the other side's receipt is known; `own_disk`: until the own
disk has it; `other_disk`: what the other side's word that its disk has it takes beyond that; `reply`: until the
client's socket has the answers of the round.
`write_alone`, `read`. `queue`: until the own disk is asked; `own_disk`; `reply`.
`flush`. `disks`: both, or the own one alone; `reply`.
`received`, a mirrored write on the other side. `queue`: until its disk is asked; `disk`; `answer`: until the socket has
the word that it is written. Beside them `receipt`: from its receiving until the socket has the receipt.

An operation that fails, is sent again or is done by the other side alone is not counted; zeroing and pieces of copies
are not watched.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

READ, WRITE, FLUSH, RECEIVED = range(4)
EVERY: Final = 64
EVERY_MAX: Final = 1_000_000
SAMPLES_MAX: Final = 512  # of each kind of operation: the newest
GIVEN_UP_NS: Final = 10_000_000_000  # a watched operation that has not ended is watched no longer

ARRIVED, QUEUED, SENT, SUBMITTED, ON_DISK, ON_OTHER, ANSWERED = range(7)
_STAMPS: Final = 7

STAGES: Final[dict[str, tuple[str, ...]]] = {
    "write": ("queue", "send", "receipt", "own_disk", "other_disk", "reply"),
    "write_alone": ("queue", "own_disk", "reply"),
    "read": ("queue", "own_disk", "reply"),
    "flush": ("disks", "reply"),
    "received": ("queue", "disk", "answer"),
}
BESIDE: Final = "receipt"  # of `received`: it runs beside `disk` and is no part of the total


class Latency:
    """The stamps of the operation that is watched, and what was seen of those before. `clock` gives nanoseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.every = 0  # 0: off
        self.op: object | None = None  # the one that is watched; of a flush, its request
        self.seq = -1  # its number on the way to the other side
        self.owed = False  # the other side is still to be told of it
        self.unsent = False  # its frame is queued
        self.unanswered = False  # it has ended, its answer is queued
        self._since_ns = 0
        self._kind = READ
        self._at = [0] * _STAMPS
        self._due = [0] * 4
        self._samples: dict[str, deque[tuple[int, ...]]] = {}

    def turn(self, every: int) -> None:
        """Watch every Nth operation of each kind from now on, and forget what was seen; 0 watches none."""
        if not 0 <= every <= EVERY_MAX:
            raise ValueError(f"every {every}: 0 (off) to {EVERY_MAX}")
        self.every = every
        self.forget()
        self._since_ns = self.clock()
        self._due = [every] * 4
        self._samples = {name: deque(maxlen=SAMPLES_MAX) for name in STAGES} if every else {}

    def forget(self) -> None:
        """Watch the one that is watched no longer."""
        self.op = None
        self.seq = -1
        self.owed = self.unsent = self.unanswered = False

    # -- stamps, in the order in which they come ---------------------------------------------------------

    def begin(self, op: object, kind: int, arrived_ns: int) -> None:
        """An operation that was received then begins: watch it when its turn has come and no other is watched."""
        due = self._due
        due[kind] -= 1
        if due[kind] > 0 or arrived_ns < self._since_ns:
            return
        if self.op is not None and arrived_ns - self._at[ARRIVED] < GIVEN_UP_NS:
            return
        due[kind] = self.every
        self.forget()
        self.op = op
        self._kind = kind
        self._at = [0] * _STAMPS
        self._at[ARRIVED] = arrived_ns
        self.owed = kind == RECEIVED

    def queued(self, seq: int) -> None:
        """Its frame is queued for the other side."""
        if self._at[QUEUED]:  # sent again: the session has changed meanwhile
            self.forget()
            return
        self._at[QUEUED] = self.clock()
        self.seq = seq
        self.unsent = True

    def acknowledged(self) -> None:
        """What the other side is owed of it is queued: the receipt, and once the disk has it the word of that."""
        self.owed = False
        self.unsent = True

    def sent(self) -> None:
        """The socket has what was queued."""
        now = self.clock()
        self.unsent = False
        self._at[SENT] = self._at[SENT] or now
        if self._kind == RECEIVED and self._at[ON_DISK] and not self.owed:
            self.answered()

    def submitted(self) -> None:
        """The own disk is asked; of a mirrored write: the other side's receipt is known."""
        self._at[SUBMITTED] = self.clock()

    def on_disk(self, error: int) -> None:
        """The own disk has ended it."""
        if error:
            self.forget()
            return
        self._at[ON_DISK] = self.clock()
        self.owed = self._kind == RECEIVED

    def on_other(self) -> None:
        """The other side's disk has it."""
        self._at[ON_OTHER] = self.clock()

    def ended(self, error: int) -> None:
        """The client may have its answer."""
        if error:
            self.forget()
            return
        if self._kind == FLUSH:
            self._at[ON_DISK] = self.clock()
        self.unanswered = True

    def answered(self) -> None:
        """The socket has the answer: keep what was seen."""
        at, kind = self._at, self._kind
        at[ANSWERED] = self.clock()
        self.forget()
        name, marks = "read", [at[ARRIVED], at[SUBMITTED], at[ON_DISK], at[ANSWERED]]
        if kind == FLUSH:
            name, marks = "flush", [at[ARRIVED], at[ON_DISK], at[ANSWERED]]
        elif kind == RECEIVED:
            name = "received"
        elif kind == WRITE and at[QUEUED]:
            sent = at[SENT] or at[SUBMITTED]
            name = "write"
            marks = [at[ARRIVED], at[QUEUED], sent, at[SUBMITTED], at[ON_DISK], at[ON_OTHER], at[ANSWERED]]
        elif kind == WRITE:
            name = "write_alone"
        if not at[ON_DISK]:
            return  # the other side alone has done it
        took = [0] * (len(marks) - 1)
        for n in range(1, len(marks)):
            marks[n] = max(marks[n], marks[n - 1])  # the other disk was faster: nothing was waited for
            took[n - 1] = marks[n] - marks[n - 1]
        if kind == RECEIVED:
            took.append(max(0, at[SENT] - at[ARRIVED]))
        self._samples[name].append(tuple(took))

    # -- what was seen ---------------------------------------------------------------------------------------

    def told(self) -> dict[str, Any]:
        """Return `every` and, of each kind of which something was seen, count and figures in microseconds."""
        return {
            "every": self.every,
            "operations": {
                name: _figures(name, list(samples)) for name, samples in self._samples.items() if samples
            },
        }


def _figures(name: str, samples: list[tuple[int, ...]]) -> dict[str, Any]:
    stages = STAGES[name]
    columns = {stage: [sample[n] for sample in samples] for n, stage in enumerate(stages)}
    body: dict[str, Any] = {
        "count": len(samples),
        "stages": {stage: spread_us(column) for stage, column in columns.items()},
        "total": spread_us([sum(sample[: len(stages)]) for sample in samples]),
    }
    if len(samples[0]) > len(stages):
        body[BESIDE] = spread_us([sample[len(stages)] for sample in samples])
    return body


def spread_us(values_ns: Sequence[int]) -> dict[str, float]:
    """Return mean, median and 99th percentile (nearest rank) in microseconds; `values_ns` is not empty."""
    ordered, count = sorted(values_ns), len(values_ns)
    ranks = {"p50_us": 50, "p99_us": 99}
    found = {name: ordered[-(-percent * count // 100) - 1] / 1000 for name, percent in ranks.items()}
    return {"mean_us": round(sum(ordered) / count / 1000, 1)} | {k: round(v, 1) for k, v in found.items()}
