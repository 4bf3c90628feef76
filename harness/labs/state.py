"""What a run writes down about itself, so that a later process can find, use or remove it, and nothing else.

Every process is named by its pid *and* its start time: a reused pid is never mistaken for the run's own.
"""

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import LabError
from harness.labs import processes
from harness.topology import Host, Lan, Topology

FORMAT = 1
NAME = "twinset-lab"
IN_MEMORY = Path("/dev/shm", NAME)
ON_DISK = Path("/var/tmp", NAME)
MEMORY_BYTES_MIN = 3 << 30


def base(*, direct_io: bool = False) -> Path:
    """Where runs live. In memory where there is room: a stalled disk must not look like a fault.

    Plain images (no volatile cache) are opened for direct I/O by the software under test and stay on a disk.
    """
    chosen = os.environ.get("TWINSET_LAB_DIR")
    if chosen:
        return Path(chosen)
    with contextlib.suppress(OSError):
        room = os.statvfs(IN_MEMORY.parent)
        if (
            not direct_io
            and room.f_bavail * room.f_frsize >= MEMORY_BYTES_MIN
            and os.path.ismount(IN_MEMORY.parent)
        ):
            return IN_MEMORY
    return ON_DISK


@dataclass(frozen=True)
class ProcessMark:
    """One process, for certain."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "ProcessMark":
        """Mark a process that runs now."""
        started = processes.start_time(pid)
        if started is None:
            raise LabError(f"process {pid} has ended already")
        return cls(pid, started)

    @property
    def alive(self) -> bool:
        """True while exactly this process runs."""
        return processes.is_alive(self.pid, self.started)


@dataclass
class LabState:
    """The contents of lab.json."""

    run_id: str
    directory: Path
    topology: Topology
    scale: float
    volatile_cache: bool
    owner: ProcessMark
    keeper: ProcessMark | None = None
    kept: bool = False
    hosts: dict[str, ProcessMark] = field(default_factory=dict)
    cuts: list[tuple[str, str, str]] = field(default_factory=list)
    artefacts: str = ""
    daemon: list[str] | None = None

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return self.directory / "lab.json"

    def save(self) -> None:
        """Replace the file as a whole: a reader never sees half of it."""
        topology = {
            "hosts": [asdict(h) for h in self.topology.hosts],
            "lans": [asdict(x) for x in self.topology.lans],
        }
        body = {
            **{k: v for k, v in vars(self).items() if k != "topology"},
            "topology": topology,
            "format": FORMAT,
        }
        temporary = self.file.with_suffix(".new")
        temporary.write_text(json.dumps(body, default=_plain, indent=1))
        temporary.replace(self.file)


def _plain(value: Any) -> Any:
    return asdict(value) if isinstance(value, ProcessMark) else str(value)


def load(directory: Path) -> LabState:
    """Read the state of a run."""
    try:
        body = json.loads((directory / "lab.json").read_text())
    except (OSError, ValueError) as error:
        raise LabError(f"{directory} holds no lab that can be read: {error}") from error
    if body.pop("format", None) != FORMAT:
        raise LabError(f"{directory} was written by another version of the lab")
    topology = body.pop("topology")
    body["topology"] = Topology(
        tuple(Host(**h) for h in topology["hosts"]),
        tuple(Lan(x["name"], tuple(x["roles"]), x["addresses"]) for x in topology["lans"]),
    )
    body["directory"] = Path(body["directory"])
    body["owner"] = ProcessMark(**body["owner"])
    body["keeper"] = ProcessMark(**body["keeper"]) if body["keeper"] else None
    body["hosts"] = {name: ProcessMark(**mark) for name, mark in body["hosts"].items()}
    body["cuts"] = [(lan, host, direction) for lan, host, direction in body["cuts"]]
    return LabState(**body)


def new_directory(parent: Path) -> tuple[str, Path]:
    """A fresh run: its identifier and its directory."""
    parent.mkdir(parents=True, exist_ok=True)
    run_id = secrets.token_hex(3)
    directory = parent / run_id
    directory.mkdir(mode=0o755)
    return run_id, directory


def runs() -> list[Path]:
    """The directories of all runs on this machine (of TWINSET_LAB_DIR where it is set), oldest first."""
    parents = {base()} if os.environ.get("TWINSET_LAB_DIR") else {IN_MEMORY, ON_DISK}
    found = [path.parent for parent in parents for path in parent.glob("*/lab.json")]
    return sorted(found, key=lambda path: path.stat().st_mtime)
