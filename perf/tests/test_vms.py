"""What the virtual machines can and cannot measure, without any."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.run import Result
from perf.errors import PerfError
from perf.figures.conditions import CONDITIONS, PLAIN
from perf.figures.matrix import MACHINES
from perf.shell.vms import MIB, MachineFio, Machines

DISKS = ["vdb", "vdc"]


class FakeMachine:
    """What a bench asks of a machine."""

    def __init__(self) -> None:
        self.limits: list[tuple[int, int, str]] = []
        self.files: dict[str, str] = {}
        self.ran: list[list[str]] = []

    def disk_devices(self) -> list[str]:
        return DISKS

    def throttle_each_way(self, iops: int, bytes_per_s: int, device: str) -> None:
        self.limits.append((iops, bytes_per_s, device))

    def write_file(self, path: str, text: str) -> None:
        self.files[path] = text

    def read_file(self, path: str) -> str | None:
        return self.files.get(path)

    def run(self, argv: list[str], **_: Any) -> Result:
        self.ran.append(argv)
        return Result(tuple(argv), 1, "", "")

    def start_job(self, argv: list[str]) -> Any:
        self.ran.append(argv)
        return SimpleNamespace(ended=True, output=lambda: "fio: no such device")


@pytest.fixture
def bench() -> tuple[Machines, FakeMachine]:
    """A bench on made-up machines that are up already."""
    machine = FakeMachine()
    found = object.__new__(Machines)
    found.lab = SimpleNamespace(servers=(machine,))  # type: ignore[assignment]
    found.condition = PLAIN
    return found, machine


def test_every_disk_is_slowed_for_reads_and_writes_each_by_itself(
    bench: tuple[Machines, FakeMachine],
) -> None:
    """The raw disk, DRBD's and the mirror set's alike; and freed afterwards."""
    machines, machine = bench
    machines.come_under(CONDITIONS["disk-100"])
    assert machine.limits == [(100, 50 * MIB, device) for device in DISKS]
    machine.limits.clear()
    machines.come_under(CONDITIONS["disk-100"])
    assert machine.limits == []
    machines.come_under(PLAIN)
    assert machine.limits == [(0, 0, device) for device in DISKS]


@pytest.mark.parametrize("name", ["link-1g", "sets-4", "fastsync-off", "mounted"])
def test_what_machines_cannot_have_is_refused(bench: tuple[Machines, FakeMachine], name: str) -> None:
    """The suite says "not measured" with the reason, and goes on."""
    with pytest.raises(PerfError, match=f"{name} is measured on namespaces only"):
        bench[0].come_under(CONDITIONS[name])


def test_their_matrix_asks_for_nothing_that_they_cannot_have(bench: tuple[Machines, FakeMachine]) -> None:
    """Every condition of it can be had."""
    for cell in MACHINES.cells():
        bench[0].come_under(CONDITIONS[cell.under])


def test_fio_may_write_over_what_is_mounted_and_says_why_it_left_nothing(
    bench: tuple[Machines, FakeMachine], tmp_path: Path
) -> None:
    """The job that is kept is the one that ran, but for that word; without figures its own words are told."""
    _, machine = bench
    run = MachineFio(machine, "[job]\n", tmp_path / "0001-job")  # type: ignore[arg-type]
    assert machine.files["/run/twinset-perf.fio"] == "[job]\nallow_mounted_write=1\n"
    assert (tmp_path / "0001-job.fio").read_text() == "[job]\n"
    with pytest.raises(PerfError, match="no such device"):
        run.figures(1.0)
