"""The steps of a virtual IP address: held for a lease, announced, withdrawn before it goes."""

import asyncio
from typing import Any

import pytest

from twinset.config.cluster import VirtualIp
from twinset.errors import StepFailed
from twinset.resources.virtual_ip import plan
from twinset.resources.virtual_ip.resource import VirtualIpResource

RESOURCE = VirtualIpResource()
VIP = "10.200.0.5"
PLACE = plan.Place(VIP, ("10.0.1.1",))


@pytest.fixture()
def ctx(make_context: Any) -> Any:
    group = make_context().config.groups[0].model_copy(update={"virtual_ips": (VirtualIp(address=VIP),)})
    return make_context(group=group)


def test_a_start_holds_the_address_for_the_lease_and_announces_it(ctx: Any) -> None:
    """On the loopback interface, with a lifetime; the route goes out on the public LANs of this server."""
    asyncio.run(RESOURCE.start(ctx))
    assert ctx.system.addresses.did == [("hold", "lo", f"{VIP}/32", 7.5)]
    ctx.system.routes.announce.assert_called_once_with(PLACE)


def test_an_address_that_cannot_be_added_is_not_announced(ctx: Any) -> None:
    """The reason is said, and no router is misled."""
    ctx.system.addresses.refusal = "no permission"
    with pytest.raises(StepFailed, match="no permission"):
        asyncio.run(RESOURCE.start(ctx))
    ctx.system.routes.announce.assert_not_called()


def test_a_stop_withdraws_the_route_first(ctx: Any) -> None:
    """Traffic ends before the address does; an address that stays is an error."""
    addresses = ctx.system.addresses
    addresses.held = {VIP}
    ctx.system.routes.withdraw.side_effect = lambda _: addresses.did.append(("withdrawn",))
    asyncio.run(RESOURCE.stop(ctx))
    assert addresses.did == [("withdrawn",), ("drop", "lo", f"{VIP}/32")]
    addresses.held, addresses.sticks = {VIP}, True
    with pytest.raises(StepFailed, match="could not be taken from lo"):
        asyncio.run(RESOURCE.stop(ctx))


def test_a_check_puts_back_what_is_missing(ctx: Any) -> None:
    """Somebody took it away: added and announced again, with an event; otherwise nothing happens."""
    ctx.system.addresses.held = {VIP}
    asyncio.run(RESOURCE.check(ctx))
    assert ctx.system.events == []
    ctx.system.addresses.held = set()
    asyncio.run(RESOURCE.check(ctx))
    assert [name for name, *_ in ctx.system.events] == ["virtual_ip_restored"]
    ctx.system.routes.announce.assert_called_once_with(PLACE)


def test_without_a_public_lan_there_is_no_place(ctx: Any) -> None:
    """Nobody could be told of the route (2.3.1-05)."""
    config = ctx.config.model_copy(update={"lans": ()})
    with pytest.raises(StepFailed, match=r"no public LAN .* \[2\.3\.1-05\]"):
        plan.place(config, "server1", VIP)
