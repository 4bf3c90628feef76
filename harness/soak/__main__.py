"""``python -m harness.soak --rounds N --seed S``: real faults at random, under a load that knows its promises."""

import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from harness import preflight
from harness.errors import HarnessError
from harness.soak.kinds import KINDS, schedule
from harness.soak.rounds import Outcome, play, soaked_pair

MUTANTS = Path(__file__).with_name("mutants")


def soak(
    rounds: Annotated[int, typer.Option(help="how many rounds")] = 10,
    seed: Annotated[int, typer.Option(help="replays the schedule; 0 draws one")] = 0,
    first: Annotated[int, typer.Option(help="begin with this round of the schedule")] = 1,
    minutes: Annotated[float, typer.Option(help="begin no further round after so long; 0: all")] = 0.0,
    scale: Annotated[float, typer.Option(help="time scale of the lab")] = 0.1,
    kinds: Annotated[str, typer.Option(help="only these kinds, separated by commas")] = "",
    mutant: Annotated[str, typer.Option(help="a bug to put in: ignore_flush")] = "",
    show: Annotated[bool, typer.Option("--show", help="print the schedule and play nothing")] = False,
) -> None:
    """Each round: at least 1,000 acknowledged writes, a fault or an allowed pair of them, repair, and the proof."""
    chosen = seed or secrets.randbits(31)
    names = schedule(rounds, chosen, [name for name in kinds.split(",") if name] or None)
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise HarnessError(f"unknown kind {unknown[0]}; there are {', '.join(KINDS)}")
    if show:
        print("\n".join(f"{number:4} {name}" for number, name in enumerate(names, 1)))
        return
    lacking = preflight.missing()
    if lacking:
        raise HarnessError("\n".join(map(str, lacking)))
    outcomes: list[Outcome] = []
    began, number = time.monotonic(), first
    try:
        with soaked_pair(chosen, scale, str(MUTANTS / mutant) if mutant else "") as running:
            for number in range(first, rounds + 1):
                if minutes and time.monotonic() - began > minutes * 60:
                    break
                at = time.monotonic()
                outcome = play(running, names[number - 1], chosen, number)
                outcomes.append(outcome)
                took_s = time.monotonic() - at
                words = (
                    f"{outcome.writes} acknowledged writes, longest {outcome.slowest_s:.1f} s, {took_s:.0f} s"
                )
                print(f"{number:4} {outcome.kind}: {words}", flush=True)
    except (HarnessError, AssertionError) as error:
        report(outcomes)
        again = (f" --kinds {kinds}" if kinds else "") + (f" --mutant {mutant}" if mutant else "")
        print(f"round {number} ({names[number - 1]}) failed: {error}")
        print(f"replay: python -m harness.soak --rounds {rounds} --seed {chosen} --first {number}{again}")
        raise typer.Exit(1) from None
    report(outcomes)
    print(
        f"seed {chosen}: rounds {first} to {first + len(outcomes) - 1} of {rounds}, nothing lost, sides identical"
    )


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
