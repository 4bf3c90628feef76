"""The steps of a floating IP address."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from twinset.errors import StepFailed
from twinset.resources.floating_ip.resource import FloatingIpResource
from twinset.shell.run import Result


class Interface:
    """An interface that keeps what `ip address` does to it."""

    def __init__(self, addresses: Sequence[str] = (), flags: Sequence[str] = ("UP", "LOWER_UP")) -> None:
        self.addresses = set(addresses)
        self.flags = list(flags)

    def __call__(self, argv: Sequence[str]) -> Result:
        if "show" in argv:
            entries = [{"family": "inet", "local": address} for address in sorted(self.addresses)]
            return Result(tuple(argv), 0, json.dumps([{"flags": self.flags, "addr_info": entries}]), "")
        address = argv[3].partition("/")[0]
        if "replace" in argv:
            self.addresses.add(address)
        elif address not in self.addresses:
            return Result(tuple(argv), 2, "", "Error: ipv4: Address not found.")
        else:
            self.addresses.discard(address)
        return Result(tuple(argv), 0, "", "")


def start(system: Any, make_context: Any, interface: Interface) -> None:
    system.answers["ip"] = interface
    asyncio.run(FloatingIpResource().start(make_context()))


def test_detection_comes_before_the_address(system, make_context) -> None:
    """The LAN is asked before the address is added, with the life of the lease."""
    interface = Interface()
    start(system, make_context, interface)
    words = [(argv[0], argv[1]) for argv in system.ran]
    assert words.index(("arping", "-D")) < words.index(("ip", "address"))
    assert interface.addresses == {"10.0.1.100"}
    assert "8" in next(argv for argv in system.ran if "replace" in argv)


def test_an_address_in_use_elsewhere_is_not_added(system, make_context, answer) -> None:
    """When another host answers, the step fails and the address stays away."""
    interface = Interface()
    system.answers["arping -D"] = answer(code=1)
    with pytest.raises(StepFailed, match="another host") as caught:
        start(system, make_context, interface)
    assert caught.value.code == "E_DUP"
    assert interface.addresses == set()


def test_starting_what_is_started_only_renews(system, make_context) -> None:
    """A restarted daemon finds its own address and does not take it for another host's."""
    start(system, make_context, Interface(["10.0.1.100"]))
    assert "arping" not in system.programs()
    assert any("replace" in argv for argv in system.ran)


def test_an_interface_that_is_down_is_told(system, make_context) -> None:
    """An address on an interface that is down would serve nobody."""
    with pytest.raises(StepFailed, match="eth0 is down"):
        start(system, make_context, Interface(flags=["BROADCAST"]))


def test_stopping_twice_is_fine(system, make_context) -> None:
    """An address that is gone is gone."""
    interface = Interface(["10.0.1.100"])
    system.answers["ip"] = interface
    asyncio.run(FloatingIpResource().stop(make_context()))
    asyncio.run(FloatingIpResource().stop(make_context()))
    assert interface.addresses == set()


def test_an_address_that_stays_is_a_failure(system, make_context) -> None:
    """An address that cannot be removed is told: it must not be on two servers."""
    interface = Interface(["10.0.1.100"])
    system.answers["ip"] = lambda argv: (
        interface(argv) if "show" in argv else Result(tuple(argv), 1, "", "busy")
    )
    with pytest.raises(StepFailed, match="could not be taken"):
        asyncio.run(FloatingIpResource().stop(make_context()))


def test_an_interface_that_is_gone_took_its_address_along(system, make_context, answer) -> None:
    """A card that was pulled is no reason for a failed stop."""
    system.answers["ip"] = answer(code=1, stderr='Device "eth0" does not exist.')
    asyncio.run(FloatingIpResource().stop(make_context()))


def test_the_announcement_is_repeated(system, make_context) -> None:
    """Gratuitous ARP is sent several times, with pauses between."""
    asyncio.run(FloatingIpResource().announce(make_context()))
    assert system.programs().count("arping") >= 3


def test_a_missing_address_is_put_back(system, make_context) -> None:
    """Monitoring restores an address that somebody took away, and says so."""
    interface = Interface()
    system.answers["ip"] = interface
    asyncio.run(FloatingIpResource().check(make_context()))
    assert interface.addresses == {"10.0.1.100"}
    assert system.events[0][0] == "floating_ip_restored"
