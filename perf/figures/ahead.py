"""Each row beside the peers' mirrors: *ahead*, *level* or *behind*, by the interval of the paired ratios. Pure.

*Ahead* is a 90 % interval that lies wholly above 1, *behind* one that lies wholly below; one that holds 1 is *level*.
One round has no interval, and no verdict.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from perf.figures import spreads
from perf.figures.results import DRBD, DRBD_FULL, FULL, MIRRORED, QEMU, Results
from perf.figures.spreads import Interval

AHEAD, LEVEL, BEHIND, UNKNOWN = "ahead", "level", "behind", "one round"


@dataclass(frozen=True)
class Peer:
    """Another mirror, and what is wanted beside it."""

    row: str
    called: str
    enough: tuple[str, ...]
    wanted: str


PEERS = (
    Peer(QEMU, "QEMU's network mirror", (AHEAD,), "a whole interval above 1"),
    Peer(DRBD, "DRBD", (AHEAD, LEVEL), "an interval that is not wholly below 1"),
)


@dataclass(frozen=True)
class Verdict:
    """A job in normal operation, or a copy; ``ratio`` is this mirror's rate over that of the peer's."""

    job: str
    peer: Peer
    ratio: Interval | None

    @property
    def word(self) -> str:
        """What can be said of it."""
        if self.ratio is None:
            return UNKNOWN
        if self.ratio.low > 1:
            return AHEAD
        return BEHIND if self.ratio.high < 1 else LEVEL

    @property
    def enough(self) -> bool:
        """True when it is what is wanted beside this peer."""
        return self.word in self.peer.enough

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        interval = (
            {name: round(value, 4) for name, value in asdict(self.ratio).items()} if self.ratio else None
        )
        return {"job": self.job, "peer": self.peer.row, "ratio": interval, "verdict": self.word}

    @property
    def shown(self) -> str:
        """The ratio with its interval."""
        if self.ratio is None:
            return "no interval"
        return f"{self.ratio.middle:.2f} ({self.ratio.low:.2f} to {self.ratio.high:.2f})"


def judge(results: Results) -> list[Verdict]:
    """Everything that both were measured with."""
    found: list[Verdict] = []
    for peer in PEERS:
        for job in results.jobs:
            _add(found, job, peer, results.iops(job, MIRRORED), results.iops(job, peer.row))
    drbd = PEERS[1]
    for kind in results.copies:
        if kind.startswith(DRBD_FULL):
            own = kind.replace(DRBD_FULL, FULL)
            _add(found, own, drbd, *(_rates(results, one) for one in (own, kind)))
    return found


def _rates(results: Results, kind: str) -> dict[int, float]:
    return {number: run.mib_s for number, run in results.copies.get(kind, {}).items()}


def _add(
    found: list[Verdict], job: str, peer: Peer, above: Mapping[int, float], below: Mapping[int, float]
) -> None:
    ratios = spreads.paired(above, below)
    if ratios:
        found.append(Verdict(job, peer, spreads.interval(ratios)))


def everywhere(verdicts: Sequence[Verdict]) -> bool:
    """True when something was measured and all of it is as wanted."""
    return bool(verdicts) and all(one.enough for one in verdicts)


def lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """One sentence a row."""
    for one in verdicts:
        word = one.word.upper() if one.word == BEHIND else one.word
        yield f"{word:<12} {one.job}: {one.shown} times {one.peer.called}; {one.peer.wanted} is wanted"
