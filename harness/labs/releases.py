"""Another release of the software under test, from a commit of this repository: what an upgrade begins with.

The wheel of the commit, as it comes from a machine without a C compiler, in an environment of its own that takes
everything else from the present one: made in half a minute, without a network, kept in .ci/state/releases by commit.
"""

import json
import os
import shutil
import sys
import tomllib
import venv
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.run import run

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".ci" / "state" / "releases"
# Before programs said which versions they speak: the oldest one that the present one works beside.
FIRST = "27173ea"
PREVIOUS = "HEAD~1"
WHEEL_S = 300.0
PROGRAM = "#!{python}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"


def reason_to_skip(commit: str) -> str:
    """Why there is no such release here, "" when there is one."""
    try:
        found = run(["git", "-C", str(ROOT), "cat-file", "-e", f"{commit}^{{commit}}"], check=False)
    except OSError as error:
        return f"git: {error.strerror}"
    return "" if found.ok else f"commit {commit} is not here: a clone without its history"


def programs_of(commit: str) -> Path:
    """The directory of the programs of a commit, made where it is missing."""
    if reason := reason_to_skip(commit):
        raise HarnessError(reason)
    full = run(["git", "-C", str(ROOT), "rev-parse", f"{commit}^{{commit}}"]).stdout.strip()
    place = KEPT / full
    if not place.is_dir():
        making = KEPT / f"{full}.{os.getpid()}"
        _make(making, place, full)
        try:
            making.rename(place)
        except OSError:  # another worker was quicker
            shutil.rmtree(making)
    return place / "venv" / "bin"


def wheel_of(commit: str) -> Path:
    """The wheel that the programs of a commit were made from."""
    return next(programs_of(commit).parents[1].glob("twinset-*.whl"))


def said_by(programs: Path) -> dict[str, Any]:
    """What a release says of its program to the other server: release and features; nothing at first."""
    code = "import json; from twinset.cluster.program import OWN; print(json.dumps(OWN.to_json()))"
    result = run([str(programs / "python"), "-c", code], check=False)
    return dict(json.loads(result.stdout)) if result.ok else {}


def _make(making: Path, place: Path, commit: str) -> None:
    """Make it beside, so that one that is there is whole; `place` is what its programs will call themselves."""
    sources = making / "sources"
    sources.mkdir(parents=True)
    archive = making / "sources.tar"
    run(["git", "-C", str(ROOT), "archive", "-o", str(archive), commit])
    run(["tar", "-xf", str(archive), "-C", str(sources)])
    archive.unlink()
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    run([*wheel, "-w", str(making), str(sources)], env={**os.environ, "CC": "false"}, timeout_s=WHEEL_S)
    project = tomllib.loads((sources / "pyproject.toml").read_text())["project"]
    shutil.rmtree(sources)
    venv.create(making / "venv", symlinks=True, with_pip=False)
    site = Path("lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
    for built in making.glob("*.whl"):
        shutil.unpack_archive(built, making / "venv" / site, "zip")
    others = [path for path in sys.path if path.endswith("-packages")]
    (making / "venv" / site / "release.pth").write_text("\n".join(others) + "\n")
    for name, target in project["scripts"].items():
        module, _, function = target.partition(":")
        file = making / "venv" / "bin" / name
        python = place / "venv" / "bin" / "python"
        file.write_text(PROGRAM.format(python=python, module=module, function=function))
        file.chmod(0o755)
