"""``report FILE``: the page, the summary and the conformance suite's file once more, from a run's file."""

import argparse
from pathlib import Path

from perf.commands import outputs
from perf.figures import markdown, stored
from perf.shell import files

HELP = "make the page and the summary from a run's file"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="what `run --json FILE` wrote")
    parser.add_argument(
        "--readme", action="store_true", help="print the tables of the READMEs instead, in Markdown"
    )
    outputs.arguments(parser)


def command(options: argparse.Namespace) -> int:
    """Write what was asked for; print the summary; 1 when --bars or --guide were asked for and something is missed."""
    found = stored.load(files.read_json(options.file))
    if options.readme:
        print(markdown.everything(found))
        return outputs.OK
    return outputs.conclude(options, found.results, found.surroundings, found.settings)
