"""The whole conformance suite on the two machines, file by file: what has run is kept, the next run goes on after it.

    python -m harness.vagrant.sections --minutes 60     # as many files as fit; the one that does not end is not noted
    python -m harness.vagrant.sections --again          # first the files of which a case failed or broke
    python -m harness.vagrant.sections --only 6_2_5_walk_through
    python -m harness.vagrant.sections --show           # the record for people

The record is `sections.json` beside this file; reports, evidence and pytest's own words lie in `.conformance/sections`.
Each file is a run of pytest of its own, which brings its cluster up anew: slower than one run of all, but none is lost.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import CommandFailed, HarnessError, LabError
from harness.labs import choice
from harness.run import run
from harness.vagrant import inputs, place, plan, record
from harness.wait import now_s

OUTPUT = inputs.ROOT / ".conformance" / "sections"
FILE_S = 3600.0
BOX = re.compile(rf"(twinset-{inputs.SUITE}-[0-9a-f]+)_vagrant_box")


def names() -> list[str]:
    """The suite's files, without `test_` and `.py`, in the order in which they are run."""
    files = (inputs.ROOT / "conformance").glob("test_*.py")
    return record.order(file.stem.removeprefix("test_") for file in files)


def box_of_machines() -> str:
    """The box that the machines were made from; it may be older than the checkout."""
    where = place.find()
    if where is None or not choice.vms_run():
        raise LabError("the virtual machines are not up: make vms")
    volumes = where.run(["virsh", "vol-list", plan.POOL]).stdout
    found = BOX.search(volumes)
    return found.group(1) if found else "another box"


def play(name: str, box: str, left_s: float) -> record.Ran | None:
    """Run one file; None when it did not get to its report."""
    folder = OUTPUT / name
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    argv = [
        sys.executable, "-m", "pytest", "-q", f"conformance/test_{name}.py", "--lab", choice.VAGRANT,
        f"--report={folder}", "-p", "no:cacheprovider",
    ]  # fmt: skip
    begun = now_s()
    try:
        ran = run(argv, check=False, timeout_s=min(left_s, FILE_S), env=os.environ, cwd=inputs.ROOT)
    except CommandFailed as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return None
    (folder / "pytest.txt").write_text(ran.stdout + ran.stderr)
    if not report.exists():
        print(f"{name}: no report; {ran.stdout[-500:]}{ran.stderr[-500:]}", file=sys.stderr, flush=True)
        return None
    day = datetime.now(UTC).date().isoformat()
    return record.from_report(json.loads(report.read_text()), box, day, now_s() - begun)


def go_on(wanted: Sequence[str], file: Path, minutes: float) -> None:
    """Run what is wanted, as far as the time goes; every file is noted as soon as it has ended."""
    end_s = now_s() + minutes * 60
    for name in wanted:
        left_s = end_s - now_s()
        if left_s <= 0:
            print("no time is left", flush=True)
            return
        found = play(name, box_of_machines(), left_s)
        if found is not None:
            record.write(file, {**record.read(file), name: found})
            print(f"{name}: {found.took_s} s: {record.said(found.outcomes.values())}", flush=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m harness.vagrant.sections", description=__doc__)
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="end the run after that time")
    parser.add_argument(
        "--again", action="store_true", help="first the files of which a case failed or broke"
    )
    parser.add_argument(
        "--only", metavar="NAME", action="append", help="these files, whether they ran or not"
    )
    parser.add_argument("--show", action="store_true", help="print the record and run nothing")
    parser.add_argument("--record", type=Path, default=record.FILE)
    options = parser.parse_args()
    known = names()
    unknown = sorted(set(options.only or ()) - set(known))
    if unknown:
        parser.error(f"no such file of the suite: {', '.join(unknown)}")
    try:
        if not options.show:
            found = record.read(options.record)
            go_on(
                options.only or record.due(known, found, again=options.again), options.record, options.minutes
            )
    except HarnessError as error:
        print(f"sections: {error}", file=sys.stderr)
        return 1
    print("\n".join(record.summary(known, record.read(options.record))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
