"""``python -m perf``: measure, print the tables, write the JSON and the page; compare two runs."""

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType

from perf.commands import baseline, builds, compare, predict, report, run
from perf.errors import PerfError

OK, MISSED, FAILED = run.OK, run.MISSED, run.FAILED
COMMANDS: dict[str, ModuleType] = {
    "run": run, "report": report, "compare": compare, "baseline": baseline, "builds": builds, "predict": predict,
}  # fmt: skip


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m perf", description="What mirroring costs. See perf/README.md. Without a command: run."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        module.arguments(commands.add_parser(name, help=module.HELP, description=module.HELP))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """One command; errors are one message and status 3, a slow figure is no error."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words.insert(0, "run")
    options = arguments().parse_args(words)
    try:
        status: int = COMMANDS[options.command].command(options)
    except (PerfError, OSError) as error:
        print(f"perf: {error}", file=sys.stderr)
        return FAILED
    return status


if __name__ == "__main__":
    sys.exit(main())
