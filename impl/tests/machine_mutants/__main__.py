"""Breaks the mirror core by machine, in small ways, and counts what the tests notice.

    python impl/tests/machine_mutants --count 220 --seed 1 --json seen.json
    python impl/tests/machine_mutants --count 220 --seed 1 --known seen.json     only what was not killed there
    python impl/tests/machine_mutants --only 'write_path.py'                     those whose name contains it

Each mutant is tried in a copy of the sources: first the tests of its own module, which are quick and kill most, then
all unit tests of the mirror, then seeds of the simulated worlds.
Killed is what fails, what does not end, and what wants too much memory. Survivors that change nothing one could observe
stand, each with its reason, in survivors.toml; the exit status is 1 when another one survives.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from queue import Queue

from sites import Mutant, mutants  # of this folder, which is run as a program

from harness.errors import CommandFailed
from harness.run import run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MIRROR = Path("impl/twinset/mirror")
TESTS = "impl/tests/mirror"
PYTEST = ("pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "pytest_timeout")
WORLD = "twinset.simulation.mirror"
KILLERS = {
    "unit tests": (*PYTEST, TESTS),
    "seeds": (WORLD, "--seeds", "60"),
    "seeds --disks": (WORLD, "--disks", "--seeds", "20"),
    "seeds --paths": (WORLD, "--paths", "--seeds", "20"),
    "seeds --verify": (WORLD, "--verify", "--seeds", "20"),
    "seeds --splits": (WORLD, "--splits", "--seeds", "20"),
}
KILLER_TIMEOUT_S = 120
KILLER_MEMORY_BYTES = 2 << 30  # some mutants would take all there is


def chosen(count: int, seed: int, only: str) -> list[Mutant]:
    """A seeded choice from all modules of the mirror core. A mutant stays in it as long as its line does."""
    found = [m for path in sorted((ROOT / MIRROR).glob("*.py")) for m in mutants(path.name, path.read_text())]
    if only:
        return [mutant for mutant in found if only in mutant.key]
    return sorted(found, key=lambda mutant: hashlib.sha256(f"{seed} {mutant.key}".encode()).digest())[:count]


def copied(folder: Path) -> None:
    """What the killers need, without what was compiled from it."""
    for name in ("impl/twinset", "impl/tests", "harness", "conformance"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def killers(folder: Path, module: str) -> dict[str, tuple[str, ...]]:
    """What is run against a mutant of `module`, in this order."""
    own = f"{TESTS}/test_{module}"
    return {**({"own tests": (*PYTEST, own)} if (folder / own).exists() else {}), **KILLERS}


def killer_of(folder: Path, module: str = "") -> str:
    """The first killer that notices the mutant in `folder`; "" when none does."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "impl"),
        "PYTHONDONTWRITEBYTECODE": "1",  # two mutants of one second and one length would share it
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # half of the time of a short run
    }
    for name, arguments in killers(folder, module).items():
        command = ["prlimit", f"--as={KILLER_MEMORY_BYTES}", sys.executable, "-m", *arguments]
        try:
            ended = run(command, cwd=folder, env=environment, timeout_s=KILLER_TIMEOUT_S, check=False)
        except CommandFailed:
            return f"{name} (no end)"
        if not ended.ok:
            return name
    return ""


def tried(folders: Queue[Path], mutant: Mutant) -> tuple[str, float]:
    """The killer of a mutant and the seconds it took, in a copy that nobody else uses; it is whole again afterwards."""
    folder = folders.get()
    begun = time.monotonic()
    path = folder / MIRROR / mutant.module
    whole = path.read_text()
    path.write_text(mutant.applied(whole))
    killer = killer_of(folder, mutant.module)
    path.write_text(whole)
    folders.put(folder)
    return killer, time.monotonic() - begun


def verdicts(wanted: list[Mutant], known: dict[str, str], jobs: int) -> Iterator[tuple[Mutant, str, float]]:
    """Each mutant with its killer, "" of a survivor, and the seconds that took."""
    with tempfile.TemporaryDirectory(prefix="machine-mutants-") as name, ThreadPoolExecutor(jobs) as pool:
        folders: Queue[Path] = Queue()
        for number in range(jobs):
            folder = Path(name, str(number))
            copied(folder)
            folders.put(folder)
        if killer := killer_of(folder):
            raise SystemExit(f"the unbroken core does not pass: {killer}")

        def verdict_of(mutant: Mutant) -> tuple[Mutant, str, float]:
            killer = known.get(mutant.key, "")
            return (mutant, killer, 0.0) if killer else (mutant, *tried(folders, mutant))

        with closing(pool.map(verdict_of, wanted)) as ended:  # an interruption begins no further one
            yield from ended


def main() -> int:
    """Try them in the order of the choice."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=220)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--jobs", type=int, default=1, help="so many at a time")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--known", type=Path, metavar="FILE", help="an earlier --json: killed stays killed")
    options = parser.parse_args()
    survivors = tomllib.loads((HERE / "survivors.toml").read_text())["survivor"]
    explained = {entry["mutant"] for entry in survivors}
    known = json.loads(options.known.read_text()) if options.known else {}
    wanted = chosen(options.count, options.seed, options.only)
    seen: dict[str, str] = {}
    unexplained = 0
    for number, (mutant, killer, took_s) in enumerate(verdicts(wanted, known, options.jobs), 1):
        seen[mutant.key] = killer
        verdict = killer or ("survived, explained" if mutant.key in explained else "SURVIVED")
        unexplained += verdict == "SURVIVED"
        print(f"{number:4} {took_s:5.1f} s  {verdict:20} {mutant.key}", flush=True)
        if options.json:
            options.json.write_text(json.dumps(seen, indent=1))
    killed = sum(map(bool, seen.values()))
    rate = killed / max(1, len(seen))
    print(f"{killed} of {len(seen)} killed ({rate:.1%}), {unexplained} survivors without a reason")
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
