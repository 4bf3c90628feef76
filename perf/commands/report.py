"""``report FILE``: the page, the summary and the conformance suite's file once more, from a run's file."""

import argparse
from pathlib import Path

from perf.commands import outputs
from perf.figures import stored
from perf.shell import files

HELP = "make the page and the summary from a run's file"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="what `run --json FILE` wrote")
    outputs.arguments(parser)


def command(options: argparse.Namespace) -> int:
    """Write what was asked for; print the summary; 1 when --bars or --guide were asked for and something is missed."""
    found = stored.load(files.read_json(options.file))
    return outputs.conclude(options, found.results, found.surroundings, found.settings)
