"""Which memory controller a machine has, as its mountinfo tells."""

from pathlib import Path

import pytest

from harness.faults.controllers import Controller, controller

V1 = "31 25 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"
V1_OTHER = "32 25 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct"
V2 = "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V2_BESIDE = "33 25 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw"
DISK = "25 1 254:0 / / rw,relatime - ext4 /dev/vda rw"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([DISK, V2], Controller(Path("/sys/fs/cgroup"), 2)),
        ([DISK, V1_OTHER, V1], Controller(Path("/sys/fs/cgroup/memory"), 1)),
        ([V2_BESIDE, V1_OTHER, V1], Controller(Path("/sys/fs/cgroup/memory"), 1)),
        ([DISK, V1_OTHER], None),
        ([], None),
    ],
)
def test_the_version_that_has_the_memory_controller_is_found(
    lines: list[str], expected: Controller | None
) -> None:
    """Where both versions are mounted, memory belongs to version 1 when that one names it."""
    assert controller("".join(f"{line}\n" for line in lines), "memory") == expected
