"""Breaks the mirror core by machine, in small ways, and counts what the tests notice.

    python impl/tests/machine_mutants --count 220 --seed 1 --json seen.json
    python impl/tests/machine_mutants --only 'write_path.py'        those whose name contains it

Each mutant is tried in a copy of the sources: first the unit tests of the mirror, then seeds of the simulated worlds.
Killed is what fails, and what does not end. Survivors that change nothing one could observe stand, each with its
reason, in survivors.toml; the exit status is 1 when another one survives.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))

from sites import Mutant, mutants  # noqa: E402 - run as a directory, no package has it

MIRROR = Path("impl/twinset/mirror")
KILLERS = (
    ("pytest", "-x", "-q", "-p", "no:cacheprovider", "impl/tests/mirror"),
    ("twinset.simulation.mirror", "--seeds", "60"),
    ("twinset.simulation.mirror", "--disks", "--seeds", "20"),
    ("twinset.simulation.mirror", "--paths", "--seeds", "20"),
    ("twinset.simulation.mirror", "--verify", "--seeds", "20"),
    ("twinset.simulation.mirror", "--splits", "--seeds", "20"),
)
KILLER_TIMEOUT_S = 120


def chosen(count: int, seed: int, only: str) -> list[Mutant]:
    """A seeded choice from all modules of the mirror core."""
    found = [m for path in sorted((ROOT / MIRROR).glob("*.py")) for m in mutants(path.name, path.read_text())]
    if only:
        return [mutant for mutant in found if only in mutant.key]
    return random.Random(seed).sample(found, min(count, len(found)))


def copied(folder: Path) -> None:
    """What the killers need, without what was compiled from it."""
    for name in ("impl/twinset", "impl/tests", "harness", "conformance"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def killer_of(folder: Path) -> str:
    """The first killer that notices the mutant in `folder`; "" when none does."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "impl"), "PYTHONDONTWRITEBYTECODE": "1"}
    for module, *arguments in KILLERS:
        try:
            ended = subprocess.run(
                [sys.executable, "-m", module, *arguments],
                cwd=folder, env=environment, capture_output=True, timeout=KILLER_TIMEOUT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"{module} (no end)"
        if ended.returncode:
            return " ".join((module, *arguments[:1]))
    return ""


def main() -> int:
    """Try them one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=220)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    explained = {
        entry["mutant"] for entry in tomllib.loads((HERE / "survivors.toml").read_text())["survivor"]
    }
    seen: dict[str, str] = {}
    unexplained = 0
    with tempfile.TemporaryDirectory(prefix="machine-mutants-") as name:
        folder = Path(name)
        copied(folder)
        if killer := killer_of(folder):
            print(f"the unbroken core does not pass {killer}")
            return 2
        for number, mutant in enumerate(chosen(options.count, options.seed, options.only), 1):
            path = folder / MIRROR / mutant.module
            whole = path.read_text()
            path.write_text(mutant.applied(whole))
            begun = time.monotonic()
            seen[mutant.key] = killer_of(folder)
            path.write_text(whole)
            verdict = seen[mutant.key] or ("survived, explained" if mutant.key in explained else "SURVIVED")
            unexplained += verdict == "SURVIVED"
            print(f"{number:4} {time.monotonic() - begun:5.1f} s  {verdict:32} {mutant.key}", flush=True)
            if options.json:
                options.json.write_text(json.dumps(seen, indent=1))
    killed = sum(map(bool, seen.values()))
    print(
        f"{killed} of {len(seen)} killed ({killed / max(1, len(seen)):.1%}), {unexplained} survivors without a reason"
    )
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
