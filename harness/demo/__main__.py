"""``python -m harness.demo [--day2] [--repeat N] [--seed S] [--scale 0.1]``.

The exit status is 1 when anything acknowledged was lost, or the disks differ.
"""

import secrets
import sys
from random import Random
from typing import Annotated

import typer

from harness import audits, preflight
from harness.demo.day2 import Day2, strangers
from harness.demo.forms import FORMS, Form, FormStory
from harness.demo.narration import Narration
from harness.demo.scenario import Demonstration, Figures
from harness.errors import HarnessError
from harness.labs.namespaces import Lab

DAY_1 = (
    "Two plain servers, no shared disk. PostgreSQL runs on one of them; a client inserts rows.\n"
    "The server loses its power at a random instant. The other takes over by itself,\n"
    "and every row that was acknowledged is there."
)
DAY_2 = (
    "The second day: two servers are joined, upgraded, changed, read for a backup, and one is replaced,\n"
    "while a client inserts rows into PostgreSQL on their mirrored disks. Nothing acknowledged is lost."
)


def once(tell: Narration, seed: int, scale: float, disk_mib: int, *, day2: bool) -> tuple[bool, Figures]:
    """Play the story in a lab of its own."""
    figures = Figures(seed)
    tell.begin()
    chapter = Day2 if day2 else Demonstration
    made = (
        strangers(scale, disk_mib, seed)
        if day2
        else Lab.create(scale=scale, disk_mib=disk_mib, volatile_cache=True, seed=seed, name="demo")
    )
    with made as lab:
        story = chapter(lab, tell, Random(seed), figures)
        try:
            held = story.play()
        except HarnessError as error:
            tell.failed(str(error))
            lab.artefacts.note(f"the demonstration failed: {error}")
            lab.artefacts.snapshot(lab)
            held = False
    audits.no_leftovers(lab).require()
    tell.say(f"[dim]seed {seed}; logs and events of both servers: {lab.artefacts.directory}[/dim]")
    return held, figures


def once_in_form(tell: Narration, form: Form, seed: int, scale: float, disk_mib: int) -> None:
    """Play an operation form of chapter 3 from its sample configuration."""
    tell.title(f"twinset: {form.name}", form.what)
    tell.begin()
    with Lab.create(scale=scale, disk_mib=disk_mib, volatile_cache=True, seed=seed, name=form.name) as lab:
        try:
            held = FormStory(lab, tell, form).play()
        except HarnessError as error:
            tell.failed(str(error))
            lab.artefacts.snapshot(lab)
            held = False
    audits.no_leftovers(lab).require()
    if not held:
        raise typer.Exit(1)


def summarise(tell: Narration, outcomes: list[tuple[bool, Figures]]) -> None:
    """One line for each run."""
    columns = ("seed", "rows before cut", "rows", "outage ms", "move ms", "copied MiB", "held")
    table = [
        (
            str(run.seed),
            f"{run.rows_before_cut:,}",
            f"{run.rows:,}",
            f"{run.outage_ms:,.0f}",
            f"{run.move_ms:,.0f}",
            f"{run.copied_mib:.1f}",
            "yes" if held else "[bold red]no[/bold red]",
        )
        for held, run in outcomes
    ]
    tell.table("All runs", columns, table)


def demonstrate(
    repeat: Annotated[int, typer.Option(help="how often; each time with another seed")] = 1,
    seed: Annotated[
        int, typer.Option(help="of the instant of the cut and of what the disk loses (0: random)")
    ] = 0,
    scale: Annotated[float, typer.Option(help="time scale: 1 waits as long as real servers would")] = 0.1,
    disk_mib: Annotated[int, typer.Option(help="size of each server's disk in MiB")] = 256,
    form: Annotated[str, typer.Option(help=f"an operation form instead: {', '.join(FORMS)}")] = "",
    day2: Annotated[bool, typer.Option("--day2", help="join, upgrade, apply, isolate, replace")] = False,
) -> None:
    """A database on a mirrored disk loses its server at a random instant, and no acknowledged row."""
    tell = Narration()
    lacking = preflight.missing(demo=True)
    if lacking:
        tell.console.print(preflight.report(lacking))
        raise typer.Exit(1)
    first = seed or secrets.randbits(31)
    if form:
        if form not in FORMS:
            raise typer.BadParameter(f"{form} is none of {', '.join(FORMS)}")
        once_in_form(tell, FORMS[form], first, scale, disk_mib)
        return
    tell.title("twinset", DAY_2 if day2 else DAY_1)
    outcomes = []
    for number in range(repeat):
        if repeat > 1:
            tell.console.rule(f"run {number + 1} of {repeat}")
        outcomes.append(once(tell, first + number, scale, disk_mib, day2=day2))
    if repeat > 1:
        summarise(tell, outcomes)
    held = sum(good for good, _ in outcomes)
    if held < repeat:
        tell.failed(f"{repeat - held} of {repeat} runs did not hold what was claimed")
        raise typer.Exit(1)
    tell.proved(f"[bold]nothing that was acknowledged was lost[/bold] ({held} of {repeat} runs)")


def main() -> None:
    """Entry point."""
    try:
        typer.run(demonstrate)
    except HarnessError as error:
        sys.exit(f"demo: {error}")


if __name__ == "__main__":
    main()
