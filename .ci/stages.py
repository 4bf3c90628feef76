"""Runs all checks in stages, each with a budget of minutes that fails when exceeded.

    python .ci/stages.py                all stages
    python .ci/stages.py unit lint      these

A stage on the real pair shares two cores with everything it starts; when it fails, the cases that failed are run
again, up to twice (all of them when the stage did not come to its end). Every result is printed and the last one
counts: say so when you report a run. Stages of one wave run side by side: pairs of servers wait for their time-outs
more than they compute. Logs stay in .ci/state, and the conformance report, which goes on over the tries.
TWINSET_LAB_PATIENCE=3 stretches the budgets, as it does the deadlines of the lab: for a slow or busy machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".ci" / "state"
BIN = ROOT / ".venv" / "bin"
PATIENCE = float(os.environ.get("TWINSET_LAB_PATIENCE", "1"))


@dataclass(frozen=True)
class Stage:
    """One stage: commands in order, minutes allowed in all."""

    name: str
    minutes: float
    commands: tuple[tuple[str, ...], ...]
    tries: int = 1
    needs_root: bool = False
    wave: str = ""  # stages that follow one another and name the same one run side by side

    @property
    def budget_s(self) -> float:
        """The time it may take here."""
        return self.minutes * 60 * PATIENCE


STAGES = (
    Stage(
        "lint",
        2,
        (
            ("ruff", "check", "-q", "."),
            ("ruff", "format", "-q", "--check", "."),
            ("lint-imports", "--no-cache"),
            ("mypy", "-p", "twinset", "-p", "harness", "-p", "conformance", "-p", "perf"),
        ),
    ),
    Stage(
        "unit",
        8,
        (
            (
                "pytest", "-q", "-n", "2", "impl/tests", "harness/tests", "perf/tests", "conformance/tests",
                "--ignore=impl/tests/pair",
            ),
        ),
        tries=3,
    ),
    Stage(
        "seeds",
        2.5,
        (
            ("python", "-m", "twinset.simulation.mirror", "--seeds", "1000"),
            ("python", "-m", "twinset.simulation.mirror", "--disks", "--seeds", "200"),
            ("python", "-m", "twinset.simulation.mirror", "--paths", "--seeds", "200"),
            ("python", "-m", "twinset.simulation.cluster", "--seeds", "200"),
        ),
    ),
    # Every broken variant of the reference that needs no lab: the cases of its clause have to notice.
    Stage("mutants", 3, (("python", "-m", "conformance.mutants", "--quick"),)),
    # The ports to copy from, each compared with its committed verdict.
    Stage("ports", 3, (("python", "-m", "conformance.examples"),)),
    Stage("pair", 22, (("pytest", "-q", "-n", "2", "impl/tests/pair"),), tries=3, needs_root=True, wave="labs"),
    Stage(
        "conformance",
        22,
        (
            (
                "pytest", "-q", "conformance", "--ignore=conformance/tests",
                # Also where the virtual machines happen to be up: this run does not depend on them.
                "--lab=namespaces",
                "--must-run=conformance/reference-not-run.toml", "--report=.ci/state/conformance",
            ),
        ),
        tries=3,
        wave="labs",
    ),
    Stage("perf-smoke", 1.5, (("python", "-m", "perf", "--smoke"),), tries=2, needs_root=True),
)  # fmt: skip


def run_once(stage: Stage, attempt: int) -> tuple[bool, float]:
    """Run a stage; return whether it passed in its time, and the seconds it took."""
    start = time.monotonic()
    log_path = STATE / f"{stage.name}-{attempt}.log"
    if attempt == 1:
        shutil.rmtree(STATE / stage.name, ignore_errors=True)  # a report of another run
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}
    with log_path.open("wb") as log:
        for argv in stage.commands:
            command = argv
            if argv[0] == "pytest":
                # The first try forgets what failed in another run: a second one would take that for its own.
                command = (*argv, "--last-failed" if attempt > 1 else "--cache-clear")
            left = stage.budget_s - (time.monotonic() - start)
            print(f"  $ {' '.join(command)}", flush=True)
            process = subprocess.Popen(
                [str(BIN / command[0]), *command[1:]],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                status = process.wait(max(1.0, left))
            except subprocess.TimeoutExpired:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                print(f"  over its budget of {stage.budget_s / 60:g} minutes", flush=True)
                return False, time.monotonic() - start
            if status:
                return False, time.monotonic() - start
    return True, time.monotonic() - start


def tail(stage: Stage, attempt: int, lines: int) -> None:
    """Print the end of a stage's log."""
    text = (STATE / f"{stage.name}-{attempt}.log").read_text(errors="replace").splitlines()
    print("\n".join(f"    {line}" for line in text[-lines:]), flush=True)


def run_stage(stage: Stage) -> list[str]:
    """Run a stage as often as it takes and may; return a line for each try."""
    if stage.needs_root and os.geteuid():
        return [f"{stage.name:12} NOT RUN: needs root, namespaces and FUSE (twinset-lab preflight)"]
    results: list[str] = []
    print(f"== {stage.name} (budget {stage.budget_s / 60:g} min)", flush=True)
    for attempt in range(1, stage.tries + 1):
        passed, seconds = run_once(stage, attempt)
        tail(stage, attempt, 6 if passed else 80)
        word = "passed" if passed else "FAILED"
        print(f"== {stage.name}: {word} in {seconds:.0f} s (try {attempt})", flush=True)
        results.append(f"{stage.name:12} {word} in {seconds:.0f} s (try {attempt} of {stage.tries})")
        if passed:
            break
    return results


def main() -> int:
    """Run the stages asked for; the exit status is 1 when one failed."""
    STATE.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or [stage.name for stage in STAGES]
    unknown = set(wanted) - {stage.name for stage in STAGES}
    if unknown:
        print(f"unknown stages: {', '.join(sorted(unknown))}")
        return 2
    chosen = [stage for stage in STAGES if stage.name in wanted]
    results: list[list[str]] = []
    for _, wave in groupby(chosen, key=lambda stage: stage.wave or stage.name):
        with ThreadPoolExecutor() as side_by_side:
            results += side_by_side.map(run_stage, list(wave))
    print("\n" + "\n".join(line for lines in results for line in lines))
    ran = [lines for lines in results if "NOT RUN" not in lines[-1]]
    good = sum("passed" in lines[-1] for lines in ran)
    print(f"\nstages: {good} passed, {len(ran) - good} failed")
    return int(good < len(ran))


if __name__ == "__main__":
    sys.exit(main())
