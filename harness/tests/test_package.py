"""What users install: the source distribution is whole, and a wheel made from it is the one made from the checkout."""

import os
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness.run import run
from harness.vagrant import inputs

pytestmark = pytest.mark.timeout(900)

BUILD_S = 600.0
UNIT = "twinset-{version}.data/data/lib/systemd/system/twinsetd.service"
BACKEND = "import sys; from setuptools import build_meta; print(build_meta.build_{kind}(sys.argv[1]))"
# As on a machine without a C compiler: what is compiled is tested by everything else.
INTERPRETED = {**os.environ, "CC": "false"}


def build(kind: str, tree: Path, target: Path) -> Path:
    """An sdist or a wheel of a tree, by the backend that pyproject.toml names."""
    target.mkdir(exist_ok=True)
    argv = [sys.executable, "-c", BACKEND.format(kind=kind), str(target)]
    said = run(argv, cwd=tree, env=INTERPRETED, timeout_s=BUILD_S).stdout
    return target / said.split()[-1]


def files_of(wheel: Path) -> set[str]:
    """What a wheel holds, without the list of it."""
    with zipfile.ZipFile(wheel) as found:
        return {name for name in found.namelist() if not name.endswith("/RECORD")}


def test_a_wheel_of_the_source_distribution_is_that_of_the_checkout(tmp_path: Path) -> None:
    """Every module of the checkout is in it, the commands, the unit and the scripts' templates, and no test."""
    tree = tmp_path / "tree"
    for name in ("impl", "harness", "conformance", "perf"):
        ignored = shutil.ignore_patterns("__pycache__", ".conformance", "*.egg-info")
        shutil.copytree(inputs.ROOT / name, tree / name, ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(inputs.ROOT / name, tree / name)
    sdist = build("sdist", tree, tmp_path / "out")
    with tarfile.open(sdist) as found:
        safely: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python 3.11.4 has it
        found.extractall(tmp_path / "unpacked", **safely)
    of_sdist = build("wheel", tmp_path / "unpacked" / sdist.name.removesuffix(".tar.gz"), tmp_path / "one")
    of_tree = build("wheel", tree, tmp_path / "two")
    files = files_of(of_sdist)
    assert files == files_of(of_tree)
    modules = {
        str(path.relative_to(inputs.ROOT / "impl")) for path in (inputs.ROOT / "impl/twinset").rglob("*.py")
    }
    assert modules <= files
    assert UNIT.format(version=sdist.name.removesuffix(".tar.gz").rpartition("-")[2]) in files
    assert "twinset/operator/templates/plain-start.sh" in files
    assert not [name for name in files if "/tests/" in name]
    with zipfile.ZipFile(of_sdist) as wheel:
        commands = next(name for name in files if name.endswith("entry_points.txt"))
        assert "twinset = twinset.operator.cli:main" in wheel.read(commands).decode()


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not here")
def test_the_debian_package_carries_wheels_unit_and_commands(tmp_path: Path) -> None:
    """Its version is the wheel's, and the lab's command is no command of a server."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "twinset-1.2-py3-none-any.whl", "w") as wheel:
        entries = (
            "[console_scripts]\nARMSLEEP = twinset.commands.sleep:main\ntwinset-lab = harness.cli:main\n"
        )
        wheel.writestr("twinset-1.2.dist-info/entry_points.txt", entries)
    run([str(inputs.ROOT / "packaging/deb.sh"), str(tmp_path / "out"), str(wheels)])
    package = tmp_path / "out" / "twinset_1.2_all.deb"
    fields = run(["dpkg-deb", "--field", str(package), "Version", "Architecture"]).stdout
    assert fields == "Version: 1.2\nArchitecture: all\n"
    listed = run(["dpkg-deb", "--contents", str(package)]).stdout
    names = {line.split(maxsplit=5)[5] for line in listed.splitlines() if not line.endswith("/")}
    assert names == {
        "./lib/systemd/system/twinsetd.service",
        "./usr/bin/ARMSLEEP -> /opt/twinset/bin/ARMSLEEP",
        "./usr/share/twinset/wheels/twinset-1.2-py3-none-any.whl",
    }
