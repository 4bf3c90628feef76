"""What a run leaves for the reader: its configuration, logs, events and the lab's own diary, in one place."""

import contextlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.labs import processes
from harness.run import run
from harness.wait import now_s

if TYPE_CHECKING:
    from harness.labs.namespaces import Lab

ROOT = Path(os.environ.get("TWINSET_LAB_ARTEFACTS", "artefacts"))
DMESG_LINES_MAX = 400


class Artefacts:
    """The directory of one run, and the diary written while it runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.begun_s = now_s()
        self._diary = self.directory / "lab.log"

    @classmethod
    def new(cls, name: str, root: Path | None = None) -> "Artefacts":
        """A directory of its own for a new run."""
        return cls((root or ROOT).absolute() / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}")

    def note(self, text: str) -> None:
        """One line of the diary: what the lab did, and when (seconds since the lab began, and since boot)."""
        now = now_s()
        with self._diary.open("a") as diary:
            diary.write(f"{now - self.begun_s:10.3f} {now:14.3f} {text}\n")

    def snapshot(self, lab: "Lab") -> None:
        """What a failed test needs and the lab's end destroys: processes, where they wait, statuses, /run."""
        for host in lab.hosts.values():
            if not host.powered:
                continue
            target = self.directory / host.name / "alive"
            target.mkdir(parents=True, exist_ok=True)
            waits = ((pid, processes.state(pid), _read(f"/proc/{pid}/wchan")) for pid in host.pids())
            table = [f"{pid} {state} {where} {_command(pid)}" for pid, state, where in waits]
            (target / "processes.txt").write_text("\n".join(table) + "\n")
            (target / "mounts.txt").write_text(_read(f"/proc/{host.init.pid}/mountinfo"))
            addresses = host.run(["ip", "-4", "-o", "addr"], check=False, timeout_s=10)
            (target / "addresses.txt").write_text(addresses.stdout)
            run_directory = Path(f"/proc/{host.init.pid}/root/run/twinset")
            for file in [*run_directory.glob("*.log"), *run_directory.glob("*.json")]:
                (target / file.name).write_text(_read(file))
        for server in lab.servers:
            if server.powered:
                answers = {"cluster": server.status(), "mirror": server.mirror_status()}
                text = json.dumps(answers, indent=1, default=str)
                (self.directory / server.name / "alive" / "status.json").write_text(text)

    def collect(self, lab: "Lab") -> None:
        """Copy what the servers wrote, and the kernel's messages since the lab began."""
        for host in lab.hosts.values():
            target = self.directory / host.name
            shutil.copytree(host.directory / "log", target / "log", dirs_exist_ok=True)
            for part in ("etc", "state"):
                if (host.directory / part).exists():
                    shutil.copytree(
                        host.directory / part,
                        target / part,
                        dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("cluster.key"),
                    )
        self._dmesg()

    def _dmesg(self) -> None:
        """The kernel's log is shared with the machine: only lines since the lab began, and not too many."""
        result = run(["dmesg"], check=False, timeout_s=10)
        recent = []
        for line in result.stdout.splitlines():
            stamp = line.removeprefix("[").partition("]")[0].strip()
            if stamp.replace(".", "", 1).isdigit() and float(stamp) >= self.begun_s - 1:
                recent.append(line)
        (self.directory / "dmesg.txt").write_text("\n".join(recent[-DMESG_LINES_MAX:]) + "\n")


def _read(path: Path | str) -> str:
    with contextlib.suppress(OSError):
        return Path(path).read_text(errors="replace")
    return ""


def _command(pid: int) -> str:
    return _read(f"/proc/{pid}/cmdline").replace("\0", " ")[:200]
