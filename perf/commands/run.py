"""``run``: measure the cells of a matrix, or those that are named; print, write, judge."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.errors import HarnessError
from perf.commands import outputs
from perf.errors import PerfError
from perf.figures import foreseen, matrix, own_bars, report, stored
from perf.figures.conditions import CONDITIONS, key
from perf.figures.matrix import CLUSTER, GROUPED, MACHINES, PAIR, SMOKE, STANDARD, Matrix
from perf.figures.results import ROWS, Results
from perf.peers import drbd, md
from perf.shell import files, fio, machine
from perf.shell.beside import Beside
from perf.shell.cluster import Cluster
from perf.shell.groups import GroupsScene
from perf.shell.pair import Pair
from perf.shell.suite import ClusterScene, PairScene, Suite, forget_incomplete, needs_mirror
from perf.shell.vms import Machines

HELP = "measure and judge"
OK, MISSED = outputs.OK, outputs.MISSED
FAILED, TERMINATED = 3, 143
VAGRANT = "vagrant"
SECONDS_MIN = 0.2
DISK_MIB_MIN = 32
MATRICES = matrix.MATRICES | own_bars.MATRICES
Say = Callable[[str], None]
Save = Callable[[], None]


def _names(known: Sequence[str]) -> Any:
    def parse(text: str) -> tuple[str, ...]:
        chosen = tuple(part.strip() for part in text.split(",") if part.strip())
        unknown = [name for name in chosen if name not in known]
        if unknown or not chosen:
            raise argparse.ArgumentTypeError(
                f"{', '.join(unknown) or 'nothing'}: known are {', '.join(known[:40])}"
            )
        return chosen

    return parse


def _jobs(text: str) -> tuple[str, ...]:
    conditions = [name for name, condition in CONDITIONS.items() if not condition.mounted]
    return tuple(_names([key(job, name) for job in fio.of_disks() for name in conditions])(text))


def _blocks(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _at_least(kind: type[int | float], least: float) -> Any:
    def parse(text: str) -> int | float:
        value = kind(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text}: at least {least}")
        return value

    return parse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    named = [name for name in MATRICES if name != SMOKE.name]
    parser.add_argument("--matrix", choices=named, help=f"the cells to measure; default {STANDARD.name}")
    parser.add_argument("--smoke", action="store_true", help="one tiny round: does every row give numbers?")
    parser.add_argument(
        "--plan", action="store_true", help="print the cells and how long they would take; measure nothing"
    )
    outputs.arguments(parser)
    parser.add_argument("--blocks", type=_blocks, help="only these blocks of the matrix, by name")
    parser.add_argument("--rounds", type=_at_least(int, 1), help="instead of the matrix's")
    parser.add_argument(
        "--seconds", type=_at_least(float, SECONDS_MIN), help="a run, instead of the matrix's"
    )
    parser.add_argument("--disk-mib", type=_at_least(int, DISK_MIB_MIN), help="instead of the matrix's")
    parser.add_argument("--rows", type=_names(ROWS), help="only these rows, of --jobs")
    parser.add_argument(
        "--jobs", type=_jobs, help="only these files of perf/jobs, each with @condition or without, in --rows"
    )
    parser.add_argument(
        "--lab",
        choices=("namespaces", VAGRANT),
        default="namespaces",
        help=f"vagrant: the two virtual machines (make vms), with DRBD and md beside; its matrix is {MACHINES.name}",
    )
    parser.add_argument(
        "--latency", action="store_true",
        help=f"also the block {matrix.LATENCY.name!r}: where a write's time goes, and what stamping it costs",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there, after each cell")
    parser.add_argument(
        "--resume", type=Path, metavar="FILE", help="go on with the interrupted run that left this file"
    )


def planned(options: argparse.Namespace) -> Matrix:
    """The matrix that the options ask for."""
    usual = MACHINES.name if options.lab == VAGRANT else STANDARD.name
    chosen = SMOKE if options.smoke else MATRICES[options.matrix or usual]
    if (chosen is MACHINES) != (options.lab == VAGRANT):
        raise PerfError(f"the matrix {MACHINES.name} is that of --lab {VAGRANT}, and its only one")
    if options.rows or options.jobs:
        blocks = matrix.chosen(options.jobs or matrix.JOBS, options.rows or ROWS)
        chosen = replace(chosen, name="chosen", blocks=blocks)
    if options.latency and matrix.LATENCY not in chosen.blocks:
        chosen = replace(chosen, blocks=(*chosen.blocks, matrix.LATENCY))
    if options.blocks:
        blocks = tuple(block for block in chosen.blocks if block.name in options.blocks)
        if {block.name for block in blocks} != set(options.blocks):
            known = ", ".join(repr(block.name) for block in chosen.blocks)
            raise PerfError(f"no such blocks in the {chosen.name} matrix; it has {known}")
        chosen = replace(chosen, blocks=blocks)
    given = {key: getattr(options, key) for key in ("rounds", "seconds", "disk_mib")}
    return replace(chosen, **{key: value for key, value in given.items() if value is not None})


def settings_of(plan: Matrix) -> dict[str, Any]:
    """What the file says of how it was measured."""
    return {
        "matrix": plan.name,
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "disk_mib": plan.disk_mib,
        "cells": [str(cell) for cell in plan.cells()],
    }


class Record:
    """The run's file, written after each cell; nothing is lost with an interrupted run but its last cell."""

    def __init__(
        self, plan: Matrix, results: Results, surroundings: dict[str, Any], file: Path | None
    ) -> None:
        self.results = results
        self._plan = plan
        self.surroundings = surroundings
        self._file = file

    def as_json(self) -> dict[str, Any]:
        """What the file holds."""
        body = report.as_json(self.results, self.surroundings, settings_of(self._plan))
        return body | {"workloads": fio.digests()}

    def save(self) -> None:
        """Write the file in one step."""
        if self._file is not None:
            files.write_json(self._file, self.as_json())


def command(options: argparse.Namespace) -> int:
    """Measure; 1 when a bar was asked for and missed, 3 when something kept the suite from measuring."""
    progress = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # the way out takes the lab down
    plan = planned(options)
    if options.plan:
        print("\n".join(foreseen.lines(plan)))
        return OK
    try:
        record = measure(plan, options, lambda line: progress.print(line, markup=False))
    except HarnessError as error:
        raise PerfError(str(error)) from error
    record.save()
    return outputs.conclude(options, record.results, record.surroundings, settings_of(plan))


def begun(plan: Matrix, options: argparse.Namespace, surroundings: dict[str, Any]) -> Results:
    """Nothing yet, or what the interrupted run has."""
    if options.resume is None:
        return Results()
    results = stored.resumed(
        stored.load(files.read_json(options.resume)),
        machine.key_of(surroundings),
        settings_of(plan),
        fio.digests(),
    )
    forget_incomplete(results, plan.blocks, plan.rounds)
    results.skipped, results.throttles = {}, {}  # proved again, or not had again
    return results


def _on_pair(suite: Suite, scene: PairScene) -> None:
    scene.begin()
    suite.run(PAIR, scene)
    scene.end()


def measure(plan: Matrix, options: argparse.Namespace, say: Say) -> Record:
    """Bring each scene up, run its part, take it down."""
    machine.require_tools()
    surroundings = machine.surroundings(machine.images_directory())
    if options.lab == VAGRANT:
        tuned = {"drbd": f"protocol C, {drbd.tuning()}", "md": md.TUNING}
        surroundings["versions"] |= {"lab": "two virtual machines", **tuned}
    record = Record(plan, begun(plan, options, surroundings), surroundings, options.json or options.resume)
    say(
        f"{plan.name}: {len(plan.cells())} cells, {plan.rounds} rounds, about {plan.estimated_s() / 60:.0f} minutes"
    )
    suite = Suite(plan, record.results, say, record.save)
    if suite.open_in(PAIR):
        where = surroundings["machine"]["file_system"].partition(" (")[0]
        say(f"two servers, images of {plan.disk_mib} MiB on {where}")
        if options.lab == VAGRANT:
            with Machines(plan.disk_mib) as machines:
                _on_pair(suite, PairScene(machines, machines, plan, record.results))
        else:
            with Pair(plan.disk_mib) as pair:
                _on_pair(suite, PairScene(pair, Beside(pair), plan, record.results))
        if needs_mirror(plan.of_scene(PAIR)):
            say("both copies are byte-identical")
    if suite.open_in(CLUSTER):
        say("two servers with twinsetd and PostgreSQL, time-outs as shipped")
        with Cluster(plan.disk_mib) as cluster:
            whole = ClusterScene(cluster, plan, record.results)
            whole.begin()
            suite.run(CLUSTER, whole)
    if suite.open_in(GROUPED):
        say("two servers with more and more groups, detection scaled")
        suite.run(GROUPED, GroupsScene(record.results, say))
    skipped = record.results.skipped
    lacking = [
        str(cell) for cell in matrix.missing(plan.cells(), record.results) if cell.under not in skipped
    ]
    if lacking:
        raise PerfError(f"no figures for {', '.join(lacking)}")
    return record
