"""What is run for a floating IP address."""

import pytest

from twinset.errors import StepFailed
from twinset.resources.floating_ip import plan


def test_the_interface_is_chosen_by_the_network_of_the_address(make_context) -> None:
    """The same address goes to the interface of each server that lies in its network."""
    config = make_context().config
    assert plan.place(config, "server1", "10.0.1.100") == plan.Place("10.0.1.100", 24, "eth0")
    assert plan.place(config, "SERVER2", "10.0.1.100") == plan.Place("10.0.1.100", 24, "eth1")


def test_an_address_outside_every_public_lan_is_refused(make_context) -> None:
    """An address that no public LAN can carry fails with the address."""
    with pytest.raises(StepFailed, match=r"10\.0\.9\.9"):
        plan.place(make_context().config, "server1", "10.0.9.9")


def test_the_lifetime_is_whole_seconds_rounded_up() -> None:
    """The kernel counts whole seconds; a life never ends before its lease."""
    argv = plan.hold(plan.Place("10.0.1.100", 24, "eth0"), 2.1)
    assert argv == [
        "ip", "address", "replace", "10.0.1.100/24", "dev", "eth0", "valid_lft", "3", "preferred_lft", "3",
    ]  # fmt: skip
    assert plan.hold(plan.Place("10.0.1.100", 24, "eth0"), 0)[-1] == "1"


def test_probe_and_announcement_name_interface_and_address() -> None:
    """Detection asks for the address, the announcement comes from it."""
    where = plan.Place("10.0.1.100", 24, "eth0")
    assert plan.probe(where, 2) == ["arping", "-D", "-q", "-I", "eth0", "-c", "2", "-w", "2", "10.0.1.100"]
    assert plan.announce(where) == [
        "arping",
        "-U",
        "-q",
        "-c",
        "1",
        "-w",
        "1",
        "-I",
        "eth0",
        "-s",
        "10.0.1.100",
        "10.0.1.100",
    ]
    assert plan.drop(where) == ["ip", "address", "delete", "10.0.1.100/24", "dev", "eth0"]
