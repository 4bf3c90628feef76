"""Where a floating IP address lives."""

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
