"""``python -m perf``: measure, print the tables, write the JSON."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.errors import HarnessError
from perf.errors import PerfError
from perf.figures import bars, report
from perf.figures.results import ROWS, Results
from perf.shell import fio, machine
from perf.shell.pair import Pair
from perf.shell.suite import FSYNC_JOBS, JOBS, SMOKE, Settings, Suite

OK, BAR_MISSED, FAILED, TERMINATED = 0, 1, 3, 143
SECONDS_MIN = 0.2
DISK_MIB_MIN = 32


def _names(known: Sequence[str]) -> Any:
    def parse(text: str) -> tuple[str, ...]:
        chosen = tuple(part.strip() for part in text.split(",") if part.strip())
        unknown = [name for name in chosen if name not in known]
        if unknown or not chosen:
            raise argparse.ArgumentTypeError(
                f"{', '.join(unknown) or 'nothing'}: known are {', '.join(known)}"
            )
        return chosen

    return parse


def _at_least(kind: type[int | float], least: float) -> Any:
    def parse(text: str) -> int | float:
        value = kind(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text}: at least {least}")
        return value

    return parse


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m perf", description="What mirroring costs. See perf/README.md."
    )
    parser.add_argument("--smoke", action="store_true", help="one tiny round: does every row give numbers?")
    parser.add_argument("--bars", action="store_true", help="exit status 1 when a figure misses its bar")
    parser.add_argument("--rounds", type=_at_least(int, 1), help=f"default {Settings.rounds}")
    parser.add_argument(
        "--seconds", type=_at_least(float, SECONDS_MIN), help=f"a run; default {Settings.seconds:g}"
    )
    parser.add_argument("--disk-mib", type=_at_least(int, DISK_MIB_MIN), help=f"default {Settings.disk_mib}")
    parser.add_argument("--rows", type=_names(ROWS), help=f"default {','.join(ROWS)}")
    parser.add_argument(
        "--jobs", type=_names(fio.names()), help=f"files of perf/jobs; default {','.join(JOBS + FSYNC_JOBS)}"
    )
    parser.add_argument("command", nargs="?", choices=("run",), help="may be said, and changes nothing")
    parser.add_argument(
        "--lab",
        choices=("namespaces", "vagrant"),
        default="namespaces",
        help="vagrant: raw disk, DRBD and twinset in the two virtual machines (make vms)",
    )
    parser.add_argument(
        "--iops", type=_at_least(int, 0), default=0, help="with --lab vagrant: limit every disk to this"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there, too")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite; errors are one message and status 3, a slow figure is no error."""
    options = arguments().parse_args(argv)
    given = {key: getattr(options, key) for key in ("rounds", "seconds", "disk_mib", "rows", "jobs")}
    chosen = {key: value for key, value in given.items() if value is not None}
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    if options.lab == "vagrant":
        return in_machines(options, progress)
    settings = replace(SMOKE if options.smoke else Settings(), **chosen)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # the way out takes the lab down
    try:
        results, surroundings = measure(settings, lambda line: progress.print(line, markup=False))
    except (PerfError, HarnessError) as error:
        progress.print(f"perf: {error}", markup=False, style="red")
        return FAILED
    return conclude(options, settings, results, surroundings)


def in_machines(options: Any, progress: Console) -> int:
    """Measure in the two virtual machines, with DRBD beside."""
    try:
        from perf.shell import vms

        keys = ("rounds", "seconds", "jobs", "disk_mib", "iops")
        given = {key: getattr(options, key) for key in keys if getattr(options, key) is not None}
        body = vms.measure(vms.Settings(**given), lambda line: progress.print(line, markup=False))
    except (PerfError, HarnessError) as error:
        progress.print(f"perf: {error}", markup=False, style="red")
        return FAILED
    for line in body["lines"]:
        print(line)
    if options.json:
        options.json.write_text(vms.text(body))
    return OK


def measure(settings: Settings, say: Any) -> tuple[Results, dict[str, Any]]:
    """Bring the pair up, run, take it down."""
    machine.require_tools()
    results = Results()
    with Pair(settings.disk_mib) as pair:
        surroundings = machine.surroundings(pair.lab.directory)
        file_system = surroundings["machine"]["file_system"].partition(" (")[0]
        say(f"two servers, images of {settings.disk_mib} MiB on {file_system}")
        pair.prepare(mirrored=settings.mirrored)
        Suite(settings, pair, results, say).run()
    lacking = results.missing(settings.jobs, settings.rows)
    if lacking:
        raise PerfError(f"no figures for {', '.join(lacking)}")
    return results, surroundings


def conclude(options: Any, settings: Settings, results: Results, surroundings: dict[str, Any]) -> int:
    """Print, write, judge."""
    console = Console(width=None if sys.stdout.isatty() else 180, highlight=False)
    for table in report.tables(results):
        console.print(table)
    for warning in results.warnings():
        console.print(f"warning: {warning}", markup=False, style="yellow")
    if options.json:
        body = report.as_json(results, surroundings, settings.as_json())
        options.json.write_text(json.dumps(body, indent=1) + "\n")
    verdicts = bars.judge(results)
    if options.bars or not options.smoke:
        for line in report.bar_lines(verdicts):
            console.print(line, markup=False)
    return BAR_MISSED if options.bars and not all(verdict.met for verdict in verdicts) else OK


if __name__ == "__main__":
    sys.exit(main())
