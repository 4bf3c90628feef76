"""Too little memory: a memory control group of the kernel, version 1 or 2, that processes are put into.

``python -m harness.faults.memory join DIRECTORY PROGRAM ...`` runs a program inside a group from its first page on;
``python -m harness.faults.memory hog MIB`` takes memory that cannot be written back, until its input ends.
"""

import contextlib
import os
import secrets
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import LabError
from harness.faults.controllers import controller

MOUNTS = Path("/proc/self/mountinfo")
MODULE = "harness.faults.memory"
LIMIT_FILE = {1: "memory.limit_in_bytes", 2: "memory.max"}
USAGE_FILE = {1: "memory.usage_in_bytes", 2: "memory.current"}
SWAP_FILE = {1: "memory.memsw.limit_in_bytes", 2: "memory.swap.max"}
EVENTS_FILE = {1: "memory.oom_control", 2: "memory.events"}


def reason_to_skip() -> str:
    """Why no group can be made here; empty when one can."""
    try:
        MemoryGroup().remove()
    except (LabError, OSError) as error:
        return f"no memory control group can be made here: {error}"
    return ""


class MemoryGroup:
    """A group of processes that share a limit; a context manager that sends them back where they came from."""

    def __init__(self) -> None:
        found = controller(MOUNTS.read_text(), "memory")
        if found is None:
            raise LabError("no cgroup file system with a memory controller is mounted")
        self.version = found.version
        if found.version == 2 and "memory" not in (found.root / "cgroup.subtree_control").read_text().split():
            (found.root / "cgroup.subtree_control").write_text("+memory")
        self._root = found.root
        self.directory = found.root / f"twinset-{secrets.token_hex(6)}"
        self.directory.mkdir()

    @property
    def usage_bytes(self) -> int:
        """What the processes of the group and their page cache take."""
        return int(self._read(USAGE_FILE))

    @property
    def oom_kills(self) -> int:
        """How many processes the kernel has killed because the group was full."""
        words = [line.split() for line in self._read(EVENTS_FILE).splitlines()]
        return next(int(count) for name, count in words if name == "oom_kill")

    def limit(self, limit_bytes: int) -> None:
        """From now on the group takes no more than this; what is above is written back or dropped first."""
        (self.directory / LIMIT_FILE[self.version]).write_text(str(limit_bytes))
        swap = self.directory / SWAP_FILE[self.version]
        if swap.exists():  # no way out into swap
            swap.write_text(str(limit_bytes if self.version == 1 else 0))

    def add(self, pids: Iterable[int]) -> None:
        """Put processes into the group; what they have already stays counted elsewhere, what they start does not."""
        self._move(pids, self.directory)

    def argv(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` inside the group."""
        return [sys.executable, "-m", MODULE, "join", str(self.directory), *argv]

    def hog_argv(self, size_mib: int) -> list[str]:
        """The command of a process that takes so much memory inside the group, and keeps it."""
        return self.argv([sys.executable, "-m", MODULE, "hog", str(size_mib)])

    def remove(self) -> None:
        """End the group; processes still in it go to the root."""
        self._move(map(int, (self.directory / "cgroup.procs").read_text().split()), self._root)
        self.directory.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _read(self, names: dict[int, str]) -> str:
        return (self.directory / names[self.version]).read_text()

    @staticmethod
    def _move(pids: Iterable[int], directory: Path) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                (directory / "cgroup.procs").write_text(str(pid))


def join(directory: str, argv: Sequence[str]) -> None:
    """Become ``argv`` inside the group."""
    (Path(directory) / "cgroup.procs").write_text("0")  # whoever writes it, in any PID namespace
    os.execvp(argv[0], list(argv))


def hog(size_mib: int) -> None:
    """Touch that many pages, tell, and keep them."""
    taken = b"h" * (size_mib << 20)
    print(f"{len(taken)} bytes taken", flush=True)
    sys.stdin.read()


def main() -> None:
    """``join DIRECTORY PROGRAM ...`` or ``hog MIB``."""
    verb, first, *rest = sys.argv[1:]
    if verb == "join":
        join(first, rest)
    hog(int(first))


if __name__ == "__main__":
    main()
