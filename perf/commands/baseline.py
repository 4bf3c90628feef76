"""``baseline RUN``: a standard run becomes the committed baseline, and the READMEs' figures are made from it."""

import argparse
from pathlib import Path

from perf.errors import PerfError
from perf.figures import baseline, provenance, stored
from perf.figures.stored import Stored
from perf.shell import files
from perf.shell.machine import ROOT

HELP = "commit a run as the baseline of `compare`; make the READMEs' tables from it"
FILE = ROOT / "perf" / "baseline" / baseline.NAME
READMES = ("README.md", "perf/README.md", "harness/README.md")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "run", type=Path, nargs="?", metavar="RUN", help="what `run --matrix standard --json RUN` wrote; "
        "without one: the READMEs anew from the files that are there",
    )  # fmt: skip
    parser.add_argument(
        "--beside",
        metavar="NAME",
        help="commit it as perf/baseline/NAME.json instead: a run of another matrix, say",
    )


def load(file: Path = FILE) -> Stored:
    """A committed file."""
    return stored.load(files.read_json(file))


def command(options: argparse.Namespace) -> int:
    """Refuse what cannot be a baseline; write the file; renew the READMEs."""
    if options.run:
        body = files.read_json(options.run)
        found = stored.load(body)
        objections = list(baseline.unrepeatable(found) if options.beside else baseline.objections(found))
        file = FILE.with_name(f"{options.beside}.json") if options.beside else FILE
        if objections:
            raise PerfError("that run cannot be committed:\n" + "\n".join(f"- {one}" for one in objections))
        file.parent.mkdir(exist_ok=True)
        files.write_text(file, baseline.text(baseline.trimmed(body)))
        print(f"{file.relative_to(ROOT)}: {baseline.described(load(file))}")
    for name in READMES:
        file = ROOT / name
        text = file.read_text()
        fresh = provenance.renewed(text, lambda path: load(ROOT / path))
        if fresh != text:
            files.write_text(file, fresh)
            print(f"{name}: figures renewed")
    for warning in load().results.warnings():
        print(f"warning: {warning}")
    return 0
