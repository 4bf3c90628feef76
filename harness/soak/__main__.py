"""``python -m harness.soak --rounds N --seed S``: real faults at random, under a load that knows its promises."""

import secrets
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from harness import preflight
from harness.errors import HarnessError
from harness.labs.running import Pair
from harness.soak.kinds import KINDS, schedule
from harness.soak.record import Failure, Record, missing
from harness.soak.rounds import Outcome, play, scenario_file, soaked_pair

MUTANTS = Path(__file__).with_name("mutants")
ERROR_MAX = 500  # characters of an error that a record keeps


def soak(
    rounds: Annotated[int, typer.Option(help="how many rounds")] = 10,
    seed: Annotated[int, typer.Option(help="replays the schedule; 0 draws one")] = 0,
    first: Annotated[int, typer.Option(help="begin with this round of the schedule")] = 1,
    minutes: Annotated[float, typer.Option(help="begin no further round after so long; 0: all")] = 0.0,
    scale: Annotated[float, typer.Option(help="time scale of the lab")] = 0.1,
    kinds: Annotated[str, typer.Option(help="only these kinds, separated by commas")] = "",
    mutant: Annotated[str, typer.Option(help="a bug to put in: ignore_flush")] = "",
    record: Annotated[
        Path | None, typer.Option(help="go on from what is noted here, kinds in need first; note each round")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="print the schedule and play nothing")] = False,
) -> None:
    """Each round: at least 1,000 acknowledged writes, a fault or an allowed pair of them, repair, and the proof."""
    chosen = seed or secrets.randbits(31)
    if record is not None and mutant:
        raise HarnessError("rounds of a mutant are not noted")
    book = Record.load(record) if record is not None else Record()
    wanted = missing(book.rounds) if record is not None else None
    only = [name for name in kinds.split(",") if name]
    unknown = [name for name in only if name not in KINDS]
    if unknown:
        raise HarnessError(f"unknown kind {unknown[0]}; there are {', '.join(KINDS)}")
    names = schedule(rounds, chosen, only or None, wanted)
    if show:
        print("\n".join(f"{number:4} {name}" for number, name in enumerate(names, 1)))
        return
    lacking = preflight.missing()
    if lacking:
        raise HarnessError("\n".join(map(str, lacking)))
    run = Run(names, chosen, first, minutes * 60, book, record)
    try:
        with soaked_pair(chosen, scale, str(MUTANTS / mutant) if mutant else "") as running:
            run.rounds(running)
    except (HarnessError, AssertionError) as error:
        if not run.number:  # nothing has been played yet
            raise
        run.failed(error, f" --mutant {mutant}" if mutant else "")
        raise typer.Exit(1) from None
    run.ended()


@dataclass
class Run:
    """One invocation: what is to be played, and what came of it."""

    names: list[str]
    seed: int
    first: int
    limit_s: float
    book: Record
    file: Path | None
    running: Pair | None = None
    number: int = 0
    outcomes: list[Outcome] = field(default_factory=list)

    def rounds(self, running: Pair) -> None:
        """Play one round after the other, and note each at once."""
        began, self.running = time.monotonic(), running
        for number in range(self.first, len(self.names) + 1):
            at = time.monotonic()
            if self.limit_s and at - began > self.limit_s:
                break
            self.number = number
            outcome = play(running, self.names[number - 1], self.seed, number)
            self.outcomes.append(outcome)
            self.book.add(outcome.kind, outcome.writes)
            self.note()
            words = f"{outcome.writes} acknowledged writes, longest {outcome.slowest_s:.1f} s"
            print(f"{number:4} {outcome.kind}: {words}, {time.monotonic() - at:.0f} s", flush=True)

    def note(self) -> None:
        """Write the record, when there is one."""
        if self.file is not None:
            self.book.save(self.file)

    def failed(self, error: Exception, more: str) -> None:
        """Note the round that failed, and print what replays it: its kind and number alone decide what it does."""
        number, name = self.number, self.names[self.number - 1]
        self.book.failures.append(Failure(name, self.seed, number, str(error)[:ERROR_MAX]))
        self.note()
        report(self.outcomes)
        print(f"round {number} ({name}) failed: {error}")
        one = f"--rounds {number} --first {number} --seed {self.seed} --kinds {name}"
        print(f"replay: python -m harness.soak {one}{more}")
        if self.running is not None:
            file = scenario_file(self.running, number)
            print(f"simulate: python -m twinset.simulation.mirror --scenario {file} --seeds 1000")

    def ended(self) -> None:
        """Say what this invocation has shown, and what the record lacks."""
        report(self.outcomes)
        last = self.first + len(self.outcomes) - 1
        print(
            f"seed {self.seed}: rounds {self.first} to {last} of {len(self.names)}, nothing lost, sides identical"
        )
        if self.file is not None:
            print(f"{self.file.name}: {self.book.summary()}")
            for kind, count in sorted(missing(self.book.rounds).items()):
                print(f"{count:4} more of {kind}")


def report(outcomes: list[Outcome]) -> None:
    """Print the rounds of each kind, and what was acknowledged."""
    counts = Counter(outcome.kind for outcome in outcomes)
    for kind, count in sorted(counts.items()):
        print(f"{count:4} x {kind}")
    print(f"{len(outcomes)} rounds, {sum(outcome.writes for outcome in outcomes)} acknowledged writes")


def main() -> None:
    """Entry point."""
    try:
        typer.run(soak)
    except HarnessError as error:
        sys.exit(f"soak: {error}")


if __name__ == "__main__":
    main()
