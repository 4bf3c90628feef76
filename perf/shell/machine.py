"""What a figure has to be read with: machine, kernel, file system, versions, commit, other load."""

import os
import platform
import shutil
import time
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness import preflight
from harness.labs import state
from harness.run import run
from harness.wait import settle
from perf.errors import PerfError
from perf.figures import procfs

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {
    "fio": "fio",
    "nbdcopy": "libnbd-bin",
    "qemu-nbd": "qemu-utils",
    "qemu-storage-daemon": "qemu-system-common",
    "pgbench": "postgresql",
}
GLANCE_S = 0.5
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def require_tools() -> None:
    """Raise with everything that is missing, and the packages that bring it."""
    lacking = [f"{need.name}: {need.missing} ({need.remedy})" for need in preflight.missing()]
    lacking += [
        f"{name}: not found (package {package})"
        for name, package in PROGRAMS.items()
        if shutil.which(name) is None
    ]
    if not lacking and not run(["fio", "--enghelp=nbd"], check=False).ok:
        lacking.append("fio has no nbd engine (Debian's has)")
    if lacking:
        raise PerfError("this machine cannot run the suite: " + "; ".join(lacking))


def images_directory() -> Path:
    """Where the lab puts plain images."""
    return state.base(direct_io=True)


def surroundings(directory: Path) -> dict[str, Any]:
    """Everything about the machine and the software that a reader of the figures wants to know."""
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {
            "host": platform.node(),
            "processor": procfs.cpu_model(Path("/proc/cpuinfo").read_text()),
            "processors": os.cpu_count(),
            "memory_mib": procfs.status_kib(Path("/proc/meminfo").read_text(), "MemTotal") >> 10,
            "kernel": platform.release(),
            "file_system": procfs.file_system_of(str(directory), Path("/proc/mounts").read_text()),
            "load_average": [round(value, 2) for value in os.getloadavg()],
        },
        "versions": {
            "python": platform.python_version(),
            "twinset": _own_version(),
            **{name: _first_line([name, "--version"]) for name in PROGRAMS},
        },
        "commit": commit(),
    }


def _own_version() -> str:
    """The version, and whether its data path is compiled: that decides much of the figures (decision 0006)."""
    try:
        version = metadata.version("twinset")
    except metadata.PackageNotFoundError:
        return "not installed"
    core = find_spec("twinset.mirror.write_path")
    compiled = core is not None and not str(core.origin).endswith(".py")
    return f"{version}, {'compiled' if compiled else 'interpreted'}"


def _first_line(argv: list[str]) -> str:
    return run(argv, check=False).stdout.partition("\n")[0].strip()


def commit() -> str:
    """The commit that was measured; marked when the tree of the implementation differs from it."""
    git = ["git", "-C", str(ROOT)]
    head = run([*git, "rev-parse", "HEAD"], check=False)
    if not head.ok:
        return "unknown"
    changed = run(
        [*git, "status", "--porcelain", "--", "impl", "harness", "perf"], check=False
    ).stdout.strip()
    return head.stdout.strip() + ("+changes" if changed else "")


def key_of(surroundings: dict[str, Any]) -> dict[str, Any]:
    """What has to be the same for two sets of figures to be one run: machine, kernel, versions, commit."""
    kept = ("host", "processor", "processors", "memory_mib", "kernel", "file_system")
    return {
        "machine": {name: surroundings["machine"][name] for name in kept},
        "versions": surroundings["versions"],
        "commit": surroundings["commit"],
    }


def others_busy_share() -> float:
    """How busy the processors are while the suite itself does nothing."""
    before = procfs.processors(Path("/proc/stat").read_text())
    settle(GLANCE_S)
    return procfs.processors(Path("/proc/stat").read_text()).busy_share_since(before)


def cpu_seconds(pid: int) -> float:
    """Processor time a process has used."""
    try:
        return procfs.cpu_ticks(Path(f"/proc/{pid}/stat").read_text()) / TICKS_PER_S
    except OSError as error:
        raise PerfError(f"process {pid} is gone: {error}") from error


def memory_kib(pid: int, field: str) -> int:
    """``VmRSS``, what a process has resident, or ``VmHWM``, the most it has had."""
    try:
        return procfs.status_kib(Path(f"/proc/{pid}/status").read_text(), field)
    except OSError as error:
        raise PerfError(f"process {pid} is gone: {error}") from error


def used_s(before: dict[str, float], now: dict[str, float]) -> dict[str, float]:
    """Processor time that each side used in between."""
    return {name: value - before[name] for name, value in now.items() if name in before}
