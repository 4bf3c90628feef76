"""Where a control group controller of the kernel is mounted, and in which version."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Controller:
    """The root of its hierarchy, and the version that it speaks."""

    root: Path
    version: int


def controller(mountinfo: str, name: str) -> Controller | None:
    """The controller ``name`` (memory, blkio) in the text of a mountinfo file; None without one.

    A controller belongs to one hierarchy: where both versions are mounted, version 1 has it when it names it.
    """
    second = None
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split()[:3]
        root = Path(before.split()[4])
        if kind == "cgroup" and name in options.split(","):
            return Controller(root, 1)
        if kind == "cgroup2":
            second = Controller(root, 2)
    return second
