"""The steps of a floating IP address."""

import asyncio
from typing import Any

import pytest

from twinset.errors import StepFailed
from twinset.resources.floating_ip.resource import FloatingIpResource

FIP = "10.0.1.100"
RESOURCE = FloatingIpResource()


def start(make_context: Any) -> None:
    asyncio.run(RESOURCE.start(make_context()))


def test_detection_comes_before_the_address(system, make_context) -> None:
    """The LAN is asked before the address is added, with the life of the lease."""
    start(make_context)
    assert system.addresses.did == [("ask", "eth0", FIP), ("hold", "eth0", f"{FIP}/24", 7.5)]
    assert system.programs() == []


def test_an_address_in_use_elsewhere_is_not_added(system, make_context) -> None:
    """When another host answers, the step fails, names it, and the address stays away."""
    system.addresses.holders[FIP] = "02:00:00:00:00:07"
    with pytest.raises(StepFailed, match="another host on eth0, 02:00:00:00:00:07") as caught:
        start(make_context)
    assert caught.value.code == "E_DUP"
    assert system.addresses.held == set()


def test_starting_what_is_started_only_renews(system, make_context) -> None:
    """A restarted daemon finds its own address and does not take it for another host's."""
    system.addresses.held = {FIP}
    RESOURCE.prepare(make_context())
    start(make_context)
    assert system.addresses.verbs() == ["hold"]


def test_the_question_is_asked_before_the_step(system, make_context) -> None:
    """Probes begin with the first step of the group, unless the address is here or its interface is down."""
    RESOURCE.prepare(make_context())
    assert system.addresses.did == [("prepare", "eth0", FIP)]
    system.addresses.up = False
    RESOURCE.prepare(make_context())
    assert system.addresses.verbs() == ["prepare"]


def test_an_interface_that_is_down_is_told(system, make_context) -> None:
    """An address on an interface that is down would serve nobody."""
    system.addresses.up = False
    with pytest.raises(StepFailed, match="eth0 is down"):
        start(make_context)


def test_a_life_is_never_shorter_than_the_kernel_can_count(system, make_context) -> None:
    """A lease of a lab's second still holds the address until it is renewed."""
    system.lease_s = 0.1
    start(make_context)
    assert system.addresses.did[-1] == ("hold", "eth0", f"{FIP}/24", 2.0)


def test_stopping_twice_is_fine(system, make_context) -> None:
    """An address that is gone is gone."""
    system.addresses.held = {FIP}
    asyncio.run(RESOURCE.stop(make_context()))
    asyncio.run(RESOURCE.stop(make_context()))
    assert system.addresses.held == set()


def test_an_address_that_stays_is_a_failure(system, make_context) -> None:
    """An address that cannot be removed is told: it must not be on two servers."""
    system.addresses.held, system.addresses.sticks = {FIP}, True
    with pytest.raises(StepFailed, match="could not be taken"):
        asyncio.run(RESOURCE.stop(make_context()))


def test_an_interface_that_is_gone_took_its_address_along(system, make_context) -> None:
    """A card that was pulled is no reason for a failed stop."""
    system.addresses.gone = True
    asyncio.run(RESOURCE.stop(make_context()))


def test_the_announcement_is_repeated(system, make_context) -> None:
    """Gratuitous ARP is sent several times, with pauses between; that it cannot be sent is told once."""
    system.addresses.refusal = "Network is down"
    asyncio.run(RESOURCE.announce(make_context()))
    assert system.addresses.verbs().count("announce") >= 3
    assert [argv[0] for argv in system.ran].count("pause") >= 3
    assert [name for name, *_ in system.events] == ["fip_announce_failed"]


def test_a_missing_address_is_put_back(system, make_context) -> None:
    """Monitoring restores an address that somebody took away, and says so."""
    asyncio.run(RESOURCE.check(make_context()))
    assert system.addresses.verbs() == ["hold", "announce"]
    assert system.events[0][0] == "floating_ip_restored"
