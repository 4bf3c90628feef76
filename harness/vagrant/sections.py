"""The whole conformance suite on the two machines, in pieces: what has run is kept, the next run goes on after it.

    python -m harness.vagrant.sections --minutes 60     # as many files as fit; those that do not end are not noted
    python -m harness.vagrant.sections --again          # first the files of which a case failed or broke
    python -m harness.vagrant.sections --only 6_2_5_walk_through --scale 1
    python -m harness.vagrant.sections --show           # the record for people

The record is `sections.json` beside this file; reports, evidence and pytest's own words lie in `.conformance/sections`.
Files whose cases share a configuration run together, since bringing a cluster up takes the emulated machines longest.
`--scale` shortens the time-outs (heartbeats 3 s x 10 at 1); the record says of each file at which scale it ran.
"""

import argparse
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.adapters.reference import SCALE
from harness.errors import HarnessError, LabError
from harness.labs import choice
from harness.run import run
from harness.vagrant import inputs, place, plan, record
from harness.wait import now_s

OUTPUT = inputs.ROOT / ".conformance" / "sections"
PYTEST = (sys.executable, "-m", "pytest", "-q")
REPORT_S = 120  # an interrupted run ends its cluster and writes its report
FILE_OF_NODE = re.compile(r"^(?:\S*/)?test_(\w+)\.py::", re.MULTILINE)
CONFIGURATION = re.compile(r'mark\.cluster\("([^"]+)"\)')
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


def wanted_cases() -> Counter[str]:
    """How many cases each file of the suite has: a file has ended when as many were judged."""
    argv = [*PYTEST, "--collect-only", "-p", "no:cacheprovider", "conformance"]
    listed = run(argv, timeout_s=120, cwd=inputs.ROOT).stdout
    return Counter(FILE_OF_NODE.findall(listed))


def together(names: Sequence[str]) -> list[list[str]]:
    """The files in pieces, each of one cluster configuration; a piece has the place of its first file."""
    pieces: dict[str, list[str]] = {}
    for name in names:
        found = CONFIGURATION.search((inputs.ROOT / "conformance" / f"test_{name}.py").read_text())
        pieces.setdefault(found.group(1) if found else "", []).append(name)
    return list(pieces.values())


def play(names: Sequence[str], scale: float, left_s: float) -> dict[str, Any]:
    """Run these files; the suite's report, of what ended until then when the time is over."""
    folder = OUTPUT / names[0]
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    argv = [
        "timeout", "--signal=INT", f"--kill-after={REPORT_S}", str(int(left_s)),
        *PYTEST, *(f"conformance/test_{name}.py" for name in names), "--lab", choice.VAGRANT,
        f"--report={folder}", "-p", "no:cacheprovider",
    ]  # fmt: skip
    env = {**os.environ, SCALE: f"{scale:g}"}
    ran = run(argv, check=False, timeout_s=left_s + 2 * REPORT_S, env=env, cwd=inputs.ROOT)
    (folder / "pytest.txt").write_text(ran.stdout + ran.stderr)
    if not report.exists():
        raise HarnessError(f"{', '.join(names)}: no report; {ran.stdout[-500:]}{ran.stderr[-500:]}")
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def go_on(wanted: Sequence[str], file: Path, minutes: float, scale: float) -> None:
    """Run what is wanted, as far as the time goes; every file that ended is noted after its piece."""
    end_s = now_s() + minutes * 60
    cases = wanted_cases()
    for names in together(wanted):
        left_s = end_s - now_s()
        if left_s <= 0:
            print("no time is left", flush=True)
            return
        box, begun_s = box_of_machines(), now_s()
        report = play(names, scale, left_s)
        day = datetime.now(UTC).date().isoformat()
        ran = record.from_report(report, cases, record.Made(box, day, scale), now_s() - begun_s)
        record.write(file, {**record.read(file), **ran})
        for name in names:
            said = (
                f"{ran[name].took_s} s: {record.said(ran[name].outcomes.values())}"
                if name in ran
                else "not ended"
            )
            print(f"{name}: {said}", flush=True)


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
    parser.add_argument("--scale", type=float, default=choice.SCALES[choice.VAGRANT], help="of the time-outs")
    parser.add_argument("--record", type=Path, default=record.FILE)
    options = parser.parse_args()
    known = names()
    unknown = sorted(set(options.only or ()) - set(known))
    if unknown:
        parser.error(f"no such file of the suite: {', '.join(unknown)}")
    try:
        if not options.show:
            found = record.read(options.record)
            wanted = options.only or record.due(known, found, again=options.again)
            go_on(wanted, options.record, options.minutes, options.scale)
    except HarnessError as error:
        print(f"sections: {error}", file=sys.stderr)
        return 1
    print("\n".join(record.summary(known, record.read(options.record))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
