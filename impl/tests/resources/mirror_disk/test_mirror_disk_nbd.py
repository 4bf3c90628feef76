"""A data partition on the kernel's NBD client: attached, adopted, taken away; the driver is played by the test."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from twinset.errors import StepFailed
from twinset.resources.context import Context
from twinset.resources.mirror_disk import device, kernel_nbd

PID = 4711


@dataclass
class Driver:
    """The kernel's driver, and the helper process that attaches to it."""

    ctx: Context
    names: dict[str, str] = field(default_factory=dict)  # device -> the name it is attached under
    disconnected: list[str] = field(default_factory=list)
    alive: bool = True
    helper_attaches: bool = True
    spawned: list[list[str]] = field(default_factory=list)

    def spawn(self, argv: Sequence[str], _log: Path) -> int:
        self.spawned.append(list(argv))
        if self.helper_attaches:
            self.attach("/dev/nbd3", "ours")
        return PID

    def attach(self, path: str, name: str) -> None:
        self.names[path] = name
        kernel_nbd.note(device.names(self.ctx, "set1", "E").note, path, name)

    def disconnect(self, path: str) -> None:
        self.disconnected.append(path)
        self.names.pop(path, None)

    def command_line(self, pid: int) -> tuple[str, ...]:
        return tuple(self.spawned[-1]) if self.spawned and pid == PID else ()

    def is_alive(self, pid: int) -> bool:
        return self.alive and pid == PID


@pytest.fixture
def driver(make_context: Any, system: Any, monkeypatch: pytest.MonkeyPatch) -> Driver:
    made = Driver(make_context())
    monkeypatch.setattr(kernel_nbd, "loaded", lambda: True)
    monkeypatch.setattr(kernel_nbd, "identifier", lambda path: made.names.get(path, ""))
    monkeypatch.setattr(kernel_nbd, "disconnect", made.disconnect)
    for name in ("spawn", "command_line", "is_alive"):
        monkeypatch.setattr(system, name, getattr(made, name))
    monkeypatch.delenv(device.FORCED, raising=False)
    return made


def attach(driver: Driver) -> device.Device:
    return asyncio.run(device.attach(driver.ctx, "set1", "E"))


def test_the_device_is_the_one_that_the_helper_noted(driver: Driver) -> None:
    """The helper is told to use the kernel's client; the device that it notes is returned, with nothing to hold."""
    found = attach(driver)
    assert (found.path, found.hold) == ("/dev/nbd3", None)
    argv = driver.spawned[0]
    assert argv[argv.index("--front") + 1] == "nbd"


def test_a_later_daemon_finds_it(driver: Driver) -> None:
    """A second attach starts no second helper and finds the same device."""
    attach(driver)
    assert attach(driver).path == "/dev/nbd3"
    assert len(driver.spawned) == 1


def test_a_device_that_the_kernel_gave_to_another_is_not_ours(driver: Driver) -> None:
    """A noted device that is attached under another name by now is neither adopted nor taken away."""
    attach(driver)
    driver.names["/dev/nbd3"] = "another server's"
    assert device.adopt(driver.ctx, device.names(driver.ctx, "set1", "E")) is None
    asyncio.run(device.detach(driver.ctx, "set1", "E"))
    assert driver.disconnected == []


def test_a_detach_leaves_nothing(driver: Driver) -> None:
    """The device is disconnected, the helper ended, the files are gone."""
    attach(driver)
    asyncio.run(device.detach(driver.ctx, "set1", "E"))
    assert driver.disconnected == ["/dev/nbd3"]
    files = device.names(driver.ctx, "set1", "E")
    assert not any(file.exists() for file in (files.note, files.record, files.file))


def test_force_kills_the_helper_before_the_device_goes(driver: Driver, system: Any) -> None:
    """The helper is killed first: with it alive a disconnect would wait for answers."""
    attach(driver)
    asyncio.run(device.fail_io(driver.ctx, "set1", "E"))
    assert ["end", str(PID), "3.0", "False"] in system.ran
    assert driver.disconnected == ["/dev/nbd3"]


def test_requests_of_a_helper_that_died_are_ended(driver: Driver) -> None:
    """Where the helper is gone its device is disconnected before an unmount waits for it; else it is left alone."""
    attach(driver)
    asyncio.run(device.fail_if_orphaned(driver.ctx, "set1", "E"))
    assert driver.disconnected == []
    driver.alive = False
    asyncio.run(device.fail_if_orphaned(driver.ctx, "set1", "E"))
    assert driver.disconnected == ["/dev/nbd3"]


def test_a_helper_that_ends_is_the_reason(driver: Driver) -> None:
    """When the helper ends without a device the step fails with its last words."""
    driver.helper_attaches = False
    driver.alive = False
    with pytest.raises(StepFailed, match="set1:E cannot be attached"):
        attach(driver)


def test_only_devices_of_this_driver_have_numbers() -> None:
    """A path of another driver is refused before a disconnect could hit a device by its number."""
    assert kernel_nbd.number("/dev/nbd12") == 12
    for other in ("/dev/loop3", "/dev/nbd", "/dev/nbd1p2"):
        with pytest.raises(ValueError, match="no nbd device"):
            kernel_nbd.number(other)
