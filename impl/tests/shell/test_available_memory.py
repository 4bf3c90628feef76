from pathlib import Path

import pytest

from twinset.shell.available_memory import available_kib

MEMINFO = (
    "MemTotal:       24683660 kB\nMemFree:        20000000 kB\nMemAvailable:   21300000 kB\nBuffers: 1 kB\n"
)
V1 = "5:devices:/\n4:memory:/api/one\n0::/\n"
V2 = "0::/system.slice/twinsetd.service\n"


class Machine:
    def __init__(self, root: Path, cgroup: str = "") -> None:
        self.proc, self.groups = root / "proc", root / "cgroup"
        self.put(self.proc / "meminfo", MEMINFO)
        self.put(self.proc / "self" / "cgroup", cgroup)

    def put(self, path: Path, text: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    def limit(self, folder: str, limit: object, usage: object, stat: str = "") -> None:
        v1 = folder.startswith("memory")
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if v1 else ("memory.max", "memory.current")
        for name, value in zip(names, (limit, usage), strict=True):
            self.put(self.groups / folder / name, value)
        self.put(self.groups / folder / "memory.stat", stat)
        if not v1:
            self.put(self.groups / "cgroup.controllers", "memory")

    @property
    def left_kib(self) -> int | None:
        return available_kib(self.proc, self.groups)


def test_without_limits_the_machine_decides(tmp_path: Path) -> None:
    """What the kernel calls available, not what is free."""
    assert Machine(tmp_path).left_kib == 21_300_000


def test_the_tightest_group_decides(tmp_path: Path) -> None:
    """Version 2: the own group and every one above it; `max` is no limit."""
    machine = Machine(tmp_path, V2)
    machine.limit("system.slice/twinsetd.service", "max", 5 << 20)
    assert machine.left_kib == 21_300_000
    machine.limit("system.slice", 100 << 20, 60 << 20)
    assert machine.left_kib == 40 << 10
    machine.limit("system.slice/twinsetd.service", 50 << 20, 45 << 20)
    assert machine.left_kib == 5 << 10


def test_version_1_has_other_names(tmp_path: Path) -> None:
    """And a number larger than any machine for no limit."""
    machine = Machine(tmp_path, V1)
    machine.limit("memory/api/one", 9223372036854771712, 1 << 20)
    assert machine.left_kib == 21_300_000
    machine.limit("memory/api", 64 << 20, 32 << 20)
    assert machine.left_kib == 32 << 10


@pytest.mark.parametrize(
    ("cgroup", "folder", "name"),
    [(V1, "memory/api/one", "total_inactive_file"), (V2, "system.slice", "inactive_file")],
)
def test_pages_of_files_can_be_had_back(tmp_path: Path, cgroup: str, folder: str, name: str) -> None:
    """A cache that fills a group is no use of memory."""
    machine = Machine(tmp_path, cgroup)
    machine.limit(folder, 64 << 20, 64 << 20, f"anon 5\n{name} {20 << 20}")
    assert machine.left_kib == 20 << 10


def test_more_used_than_allowed_leaves_nothing(tmp_path: Path) -> None:
    """Never less than nothing."""
    machine = Machine(tmp_path, V2)
    machine.limit("system.slice", 10 << 20, 20 << 20)
    assert machine.left_kib == 0


def test_a_system_that_does_not_say(tmp_path: Path) -> None:
    """Then nobody knows, and nothing is refused."""
    assert available_kib(tmp_path / "none", tmp_path / "none") is None


def test_this_machine_says_something() -> None:
    """The files are where they are looked for."""
    left = available_kib()
    assert left is not None
    assert left > 0
