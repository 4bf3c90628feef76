"""Runs all checks in stages, each with a budget of minutes that fails when exceeded.

    python .ci/stages.py                all stages
    python .ci/stages.py unit lint      these

A stage on the real pair shares two cores with everything it starts; when it fails, the cases that failed are run
again, up to twice (all of them when the stage did not come to its end). Every result is printed and the last one
counts: say so when you report a run. Stages of one wave run side by side: pairs of servers wait for their time-outs
more than they compute; what failed there is run again alone, when the wave has ended. Logs stay in .ci/state, and the
conformance report, which goes on over the tries. What failed is named once more at the very end.
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
FAILED = ("FAILED ", "ERROR ")  # how pytest's summary begins the line of a case


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


@dataclass(frozen=True)
class Try:
    """How a stage ended once, and the cases that pytest said have failed."""

    stage: Stage
    attempt: int
    passed: bool
    seconds: float
    failures: list[str]

    def __str__(self) -> str:
        word = "passed" if self.passed else "FAILED"
        return f"{self.stage.name}: {word} in {self.seconds:.0f} s (try {self.attempt} of {self.stage.tries})"


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
                # The first try forgets what failed in another run, and no stage sees what failed in another one.
                command = (*argv, "-o", f"cache_dir=.ci/state/cache-{stage.name}")
                command += ("--last-failed" if attempt > 1 else "--cache-clear",)
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


def run_try(stage: Stage, attempt: int) -> Try:
    """Run a stage once and print how it ended."""
    print(f"== {stage.name} (budget {stage.budget_s / 60:g} min, try {attempt} of {stage.tries})", flush=True)
    passed, seconds = run_once(stage, attempt)
    log = (STATE / f"{stage.name}-{attempt}.log").read_text(errors="replace").splitlines()
    print("\n".join(f"    {line}" for line in log[-6 if passed else -80 :]), flush=True)
    done = Try(stage, attempt, passed, seconds, [line for line in log if line.startswith(FAILED)])
    print(f"== {done}", flush=True)
    return done


def run_wave(wave: list[Stage]) -> list[Try]:
    """Run stages side by side, then each that failed alone, as often as it takes and may; return every try."""
    with ThreadPoolExecutor() as side_by_side:
        tries = list(side_by_side.map(lambda stage: run_try(stage, 1), wave))
    for failed in [one.stage for one in tries if not one.passed]:
        for attempt in range(2, failed.tries + 1):
            tries.append(run_try(failed, attempt))
            if tries[-1].passed:
                break
    return tries


def main() -> int:
    """Run the stages asked for; the exit status is 1 when one failed."""
    STATE.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or [stage.name for stage in STAGES]
    unknown = set(wanted) - {stage.name for stage in STAGES}
    if unknown:
        print(f"unknown stages: {', '.join(sorted(unknown))}")
        return 2
    chosen = [stage for stage in STAGES if stage.name in wanted]
    left_out = [stage for stage in chosen if stage.needs_root and os.geteuid()]
    tries: list[Try] = []
    for _, wave in groupby(
        [stage for stage in chosen if stage not in left_out], key=lambda stage: stage.wave or stage.name
    ):
        tries += run_wave(list(wave))
    print("\n" + "\n".join(line for one in tries for line in (str(one), *one.failures)))
    for stage in left_out:
        print(f"{stage.name}: NOT RUN: needs root, namespaces and FUSE (twinset-lab preflight)")
    ended = {one.stage.name: one.passed for one in tries}  # the last try of a stage counts
    good = sum(ended.values())
    print(f"\nstages: {good} passed, {len(ended) - good} failed")
    return int(good < len(ended))


if __name__ == "__main__":
    sys.exit(main())
