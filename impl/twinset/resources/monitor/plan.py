"""What a group has watched, and what to run for it: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.monitoring.looks import PUBLIC_LAN, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twinset.config.cluster import Group

MIRROR_DISK_IO, PROCESS, WATCH = "mirror_disk_io", "process", "watch"
READ_BYTES: Final = 4096
READ_S: Final = 10.0  # a read that takes longer has not come; a lab's scale makes no disk faster


def subjects(group: Group) -> Iterator[Subject]:
    """Yield what is looked at while the group runs; mounts and addresses have checks of their own (shell/steps.py)."""
    monitor = group.monitor
    counts = {
        PUBLIC_LAN: 1,
        MIRROR_DISK_IO: len(group.mirror_disks),
        PROCESS: len(monitor.pid_files),
    }
    for kind, count in counts.items():
        if kind in monitor.types:
            yield from (Subject(kind, index, monitor.looks) for index in range(count))
    yield from (Subject(WATCH, index, watch.looks) for index, watch in enumerate(group.watches))


def interval_s(group: Group, subject: Subject) -> float:
    """Return the time between two looks, before the time scale."""
    return group.watches[subject.index].interval_s if subject.kind == WATCH else group.monitor.interval_s


def shuts_down(group: Group, subject: Subject) -> bool:
    """True when the server is to be shut down, not the group moved."""
    return subject.kind == WATCH and group.watches[subject.index].action == "shutdown"


def read(device: str) -> list[str]:
    """Read the beginning of a device past every cache."""
    return [
        "dd",
        f"if={device}",
        "of=/dev/null",
        f"bs={READ_BYTES}",
        "count=1",
        "iflag=direct",
        "status=none",
    ]
