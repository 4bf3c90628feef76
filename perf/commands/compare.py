"""``compare [A] B``: what became worse, by ratio; exit status 1 when something did. A: the committed baseline."""

import argparse
from pathlib import Path

from perf.commands import baseline
from perf.figures import compare, stored
from perf.figures.stored import Stored
from perf.shell import files

HELP = "judge one run's file against another's, by ratio"
OK, WORSE = 0, 1
SETTINGS = ("rounds", "seconds", "disk_mib")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "a", type=Path, metavar="A", nargs="?", default=baseline.FILE,
        help="the file of the run before; default: the committed baseline",
    )  # fmt: skip
    parser.add_argument("b", type=Path, metavar="B", help="the file of the run now")


def command(options: argparse.Namespace) -> int:
    """Print one line a ratio, the worst first."""
    before, now = (stored.load(files.read_json(file)) for file in (options.a, options.b))
    _say_differences(before, now)
    changed = sorted(
        name
        for name in before.workloads.keys() & now.workloads
        if before.workloads[name] != now.workloads[name]
    )
    if changed:
        print(f"other text, so not compared: {', '.join(changed)}")
    found = compare.compare(stored.without(before, changed), stored.without(now, changed))
    for line in compare.lines(found):
        print(line)
    worse = sum(one.verdict == compare.WORSE for one in found)
    print(f"{len(found)} ratios compared, {worse} worse" if found else "nothing to compare")
    return WORSE if worse or not found else OK


def _say_differences(before: Stored, now: Stored) -> None:
    """What a reader has to know beside the ratios: doubts about A, and what of the surroundings is not the same."""
    for warning in before.results.warnings():
        print(f"A was doubtful: {warning}")
    parts = {
        name: (before.surroundings[name], now.surroundings[name])
        for name in ("machine", "versions", "commit")
    }
    plans = ({name: one.settings.get(name) for name in SETTINGS} for one in (before, now))
    for name, (was, is_now) in (parts | {"settings": tuple(plans)}).items():
        differing = stored.differences(was, is_now)
        if differing:
            print(f"{name}: {'; '.join(differing)}")
