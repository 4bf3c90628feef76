"""What the rounds of many soaks have shown together: `--record FILE` reads it, adds each round, and writes it at once.

The targets are those of a long proof: so many rounds of every kind, fewer of every pair. A round counts when
everything acknowledged was there and both sides were equal; one that failed is kept with what replays it.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.errors import HarnessError
from harness.soak.kinds import KINDS

SINGLE_LEAST, PAIR_LEAST = 15, 5


@dataclass(frozen=True)
class Failure:
    """A round that failed, and what became of it (`answer`, written by hand: the fault that was fixed)."""

    kind: str
    seed: int
    round: int
    error: str
    answer: str = ""


@dataclass
class Record:
    """Rounds by kind, the writes that were acknowledged in them, and the rounds that failed."""

    rounds: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    failures: list[Failure] = field(default_factory=list)

    @classmethod
    def load(cls, file: Path) -> "Record":
        """Read a record; an empty one when there is no file yet."""
        if not file.exists():
            return cls()
        try:
            values = json.loads(file.read_text())
            failures = [Failure(**each) for each in values["failures"]]
            found = cls(Counter(values["rounds"]), int(values["writes"]), failures)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise HarnessError(f"{file} is no record of a soak: {error}") from None
        unknown = sorted(found.rounds.keys() - KINDS.keys())
        if unknown:
            raise HarnessError(f"{file} counts rounds of {unknown[0]}, a kind that there is not")
        return found

    def save(self, file: Path) -> None:
        """Write it whole or not at all: a soak may be broken off at any time."""
        values = {**asdict(self), "rounds": dict(sorted(self.rounds.items()))}
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(values, indent=1) + "\n")
        partial.replace(file)

    def add(self, kind: str, writes: int) -> None:
        """Count a round that held."""
        self.rounds[kind] += 1
        self.writes += writes

    @property
    def total(self) -> int:
        """All rounds that held."""
        return self.rounds.total()

    def summary(self) -> str:
        """The record in one sentence."""
        short = missing(self.rounds)
        left = (
            f"{sum(short.values())} rounds of {len(short)} kinds are missing" if short else "none is missing"
        )
        return (
            f"{self.total} rounds with {self.writes} acknowledged writes, {len(self.failures)} failed; of "
            f"{SINGLE_LEAST} rounds of each kind and {PAIR_LEAST} of each pair {left}"
        )


def missing(rounds: Mapping[str, int]) -> dict[str, int]:
    """How many rounds of which kinds are missing to the targets."""
    short = {
        name: (SINGLE_LEAST if len(parts) == 1 else PAIR_LEAST) - rounds.get(name, 0)
        for name, parts in KINDS.items()
    }
    return {name: count for name, count in short.items() if count > 0}
