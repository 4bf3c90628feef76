"""``predict RUN [OTHER]``: whether one run's coefficients say what was measured on slowed disks and links."""

import argparse
from collections import Counter
from pathlib import Path

from perf.errors import PerfError
from perf.figures import coefficients, predictions, stored
from perf.shell import files

HELP = "check what `twinset plan --measured` would say against what was measured"
OK, MISSED = 0, 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("run", type=Path, metavar="RUN", help="coefficients come from this run's plain cells")
    parser.add_argument(
        "other", type=Path, nargs="?", metavar="OTHER",
        help="the run that is predicted, its plain cells too; without it the slowed cells of RUN",
    )  # fmt: skip


def command(options: argparse.Namespace) -> int:
    """Print one line a prediction; 1 unless all are met."""
    run = stored.load(files.read_json(options.run))
    found = coefficients.measured(run.results, run.surroundings)
    other = stored.load(files.read_json(options.other)) if options.other else run
    checked = predictions.check(found, other.results, plain=options.other is not None)
    if not checked:
        raise PerfError("nothing to check: no slowed cells; python -m perf run --matrix what-if has them")
    for one in checked:
        print(one)
    counts = Counter(one.verdict for one in checked)
    print(f"{len(checked)} predictions: {', '.join(f'{count} {word}' for word, count in counts.items())}")
    return OK if predictions.passed(checked) else MISSED
