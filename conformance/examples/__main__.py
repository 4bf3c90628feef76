"""Runs the suite against the ports of this folder and compares: `python -m conformance.examples [--write] [PORT]`.

What a port is expected to get stands in `expected/PORT.json`. `--write` writes it anew, for a reader to judge the
difference; clauses that have got their first case since then are named and do not count.
"""

import argparse
import json
import os
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.run import run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RUN_S = 900.0
BROKEN = "broken"
Verdicts = dict[str, str]


@dataclass(frozen=True)
class Port:
    """One port: how its adapter is started, for which tiers, and what it needs here."""

    command: tuple[str, ...]
    tiers: tuple[str, ...] = ("static",)
    programs: tuple[str, ...] = ()
    root: bool = False
    by_hand: bool = False  # takes minutes: runs only when it is named

    def missing(self) -> str:
        """Why it cannot run here; empty when it can."""
        lacks = [program for program in self.programs if shutil.which(program) is None]
        if self.root and os.geteuid():
            lacks.append("root")
        return f"needs {', '.join(lacks)}" if lacks else ""


PAIR_PROGRAMS = ("unshare", "nsenter", "ip", "arping", "ping", "tcpdump")
PORTS = {
    "static_adapter": Port((str(HERE / "static_adapter.sh"),), programs=("jq",)),
    "static_port": Port((str(HERE / "static_port.pl"),), programs=("perl",)),
    "toy_port": Port((sys.executable, str(HERE / "toy_port.py"))),
    "toy_pair": Port(
        (sys.executable, str(HERE / "toy_port.py")), ("pair",), PAIR_PROGRAMS, True, by_hand=True
    ),
}


EVERY = [name for name, port in PORTS.items() if not port.by_hand]


def expected_file(name: str) -> Path:
    """Where the expected verdicts of a port stand."""
    return HERE / "expected" / f"{name}.json"


def judged(port: Port) -> tuple[dict[str, Any], str]:
    """The suite's report about a port, and what it printed."""
    with tempfile.TemporaryDirectory(prefix="port-") as folder:
        options = [f"--tier={tier}" for tier in port.tiers]
        argv = [
            sys.executable,
            "-m",
            "pytest",
            str(ROOT / "conformance"),
            "-c",
            str(ROOT / "conformance/pytest.ini"),
        ]
        argv += ["-q", "--tb=no", "-p", "no:cacheprovider", "--adapter", shlex.join(port.command)]
        ran = run([*argv, *options, "--report", folder], cwd=ROOT, check=False, timeout_s=RUN_S)
        report = Path(folder) / "report.json"
        written = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {"clauses": {}}
    return written, ran.stdout + ran.stderr


def verdicts(report: dict[str, Any]) -> Verdicts:
    """The verdict of each clause that a case of the run has judged."""
    return {name: entry["verdict"] for name, entry in report["clauses"].items() if entry["cases"]}


def compare(expected: Verdicts, found: Verdicts) -> tuple[list[str], list[str]]:
    """What differs, and what is new: clauses that had no case when the expectation was written."""
    differs = [
        f"{name}: expected {verdict}, found {found.get(name, 'nothing')}"
        for name, verdict in expected.items()
        if found.get(name) != verdict
    ]
    new = [f"{name}: {verdict}" for name, verdict in found.items() if name not in expected]
    differs += [each for each in new if each.endswith(f": {BROKEN}")]  # no port here may break the suite
    return differs, [each for each in new if each not in differs]


def main(argv: list[str]) -> int:
    """Exit status 0 when every port that can run here got what was expected."""
    parser = argparse.ArgumentParser(prog="python -m conformance.examples", description=__doc__)
    parser.add_argument(
        "ports", nargs="*", metavar="PORT", help=f"one of {', '.join(PORTS)} (default: {', '.join(EVERY)})"
    )
    parser.add_argument("--write", action="store_true", help="write the expectation anew")
    arguments = parser.parse_args(argv)
    bad = 0
    for name in arguments.ports or EVERY:
        missing = PORTS[name].missing()
        if missing:
            print(f"{name}: not run, {missing}")
            continue
        report, printed = judged(PORTS[name])
        found = verdicts(report)
        counts = ", ".join(
            f"{list(found.values()).count(word)} {word}" for word in sorted(set(found.values()))
        )
        print(f"{name}: {len(found)} clauses judged: {counts or printed[-2000:]}")
        if arguments.write:
            expected_file(name).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            continue
        if not expected_file(name).exists():
            print(f"  nothing is expected yet: {json.dumps(found)}")
            continue
        differs, new = compare(json.loads(expected_file(name).read_text(encoding="utf-8")), found)
        print(
            "".join(f"  {line}\n" for line in differs) + "".join(f"  new: {line}\n" for line in new), end=""
        )
        bad += bool(differs) or not found
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
