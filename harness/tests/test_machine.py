"""A server as a virtual machine, as far as it needs none."""

from pathlib import Path
from typing import Any

import pytest

from harness.faults.disk import Disk
from harness.labs.machine import RUNNING, Machine

OFF = 5  # VIR_DOMAIN_SHUTOFF


class Domain:
    """libvirt's word on the machine's power."""

    def __init__(self, state: int) -> None:
        self.now = state

    def state(self) -> list[int]:
        return [self.now, 0]


class Agent:
    """Takes down what it is ordered."""

    alive = True
    boot_id = "this boot"

    def __init__(self) -> None:
        self.orders: list[tuple[str, dict[str, Any]]] = []

    def order(self, verb: str, **arguments: Any) -> dict[str, Any]:
        self.orders.append((verb, arguments))
        return {}


def test_what_is_written_without_power_is_there_after_the_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration is changed while a server is away: its files reach it once, the last text of each."""
    domain, agent = Domain(OFF), Agent()
    machine = Machine("server2", domain, list, Disk(tmp_path / "a", tmp_path / "a"), "/dev/vdb")
    monkeypatch.setattr(machine, "_guest", agent)
    machine.write_file("/etc/one", "old")
    machine.write_file("/etc/one", "new", 0o755)
    assert not agent.orders
    domain.now = RUNNING
    machine.await_up()
    machine.await_up()
    assert agent.orders == [("write", {"path": "/etc/one", "text": "new", "mode": 0o755})]
