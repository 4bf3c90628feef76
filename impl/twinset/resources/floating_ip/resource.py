"""Floating IP address: duplicate detection before, gratuitous ARP after, a lifetime all along (7.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.errors import StepFailed
from twinset.resources.floating_ip import plan

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig
    from twinset.resources.context import Context, System

ANNOUNCEMENTS: Final = 4  # 7.2: repeated, for a switch or a host that missed one
ANNOUNCE_PAUSE_S: Final = 0.5
LIFETIME_MIN_S: Final = 2.0  # the kernel counts whole seconds


class FloatingIpResource:
    """The thin part: who touches interfaces and asks the LAN is `System.addresses`."""

    def prepare(self, ctx: Context) -> None:
        """Begin to ask who has the address, beside the steps before this one (decision record 0013)."""
        where = _place(ctx)
        state = ctx.system.addresses.state(where.interface)
        if state.up and where.address not in state.addresses:
            ctx.system.addresses.prepare(where.interface, where.address)

    def abandon(self, ctx: Context) -> None:
        """End what `prepare` began: the start failed before this step."""
        where = _place(ctx)
        ctx.system.addresses.abandon(where.interface, where.address)

    async def start(self, ctx: Context) -> None:
        """Add the address unless another host has it; `announce` follows, beside the next steps."""
        where = _place(ctx)
        state = ctx.system.addresses.state(where.interface)
        if not state.up:
            raise StepFailed(f"{where.interface} is down: {where.address} cannot be reached there")
        if where.address not in state.addresses:
            holder = await ctx.system.addresses.holder(where.interface, where.address)
            if holder:
                text = f"another host on {where.interface}, {holder}, answers for {where.address} [7.2.2]"
                raise StepFailed(text, "E_DUP")
        await self.renew(ctx)

    async def stop(self, ctx: Context) -> None:
        """Take the address away. Where the interface is gone, so is the address."""
        address = ctx.group.floating_ips[ctx.index].address
        if reason := await take_away(ctx.system, ctx.config, ctx.me, address):
            raise StepFailed(reason)

    async def check(self, ctx: Context) -> None:
        """The address is there; one that somebody or the end of a lease took away is put back."""
        where = _place(ctx)
        state = ctx.system.addresses.state(where.interface)
        if not state.up:
            raise StepFailed(f"{where.interface} is down: {where.address} cannot be reached there")
        if where.address not in state.addresses:
            await self.renew(ctx)
            ctx.system.addresses.announce(where.interface, where.address)
            ctx.system.log("floating_ip_restored", "warning", {"address": where.address})

    async def renew(self, ctx: Context) -> None:
        """Let the address live as long as this server's lease, not longer: a daemon that is gone for longer than
        its lease must not leave the address on two servers."""  # noqa: D205, D209
        where = _place(ctx)
        seconds = max(LIFETIME_MIN_S, ctx.system.lease_left_s())
        ctx.system.addresses.hold(where.interface, where.address, where.prefix, seconds)

    async def announce(self, ctx: Context) -> None:
        """Tell the LAN, at once and again for a while; runs beside the next steps."""
        where = _place(ctx)
        for number in range(ANNOUNCEMENTS):
            reason = ctx.system.addresses.announce(where.interface, where.address)
            if reason and number == 0:
                fields = {"address": where.address, "reason": reason}
                ctx.system.log("fip_announce_failed", "warning", fields)
            await ctx.system.pause(ANNOUNCE_PAUSE_S)


async def take_away(system: System, config: ClusterConfig, me: str, address: str) -> str:
    """Take an address away; return "" or why it stayed. Where the interface is gone, so is the address."""
    where = plan.place(config, me, address)
    system.addresses.drop(where.interface, where.address, where.prefix)
    try:
        state = system.addresses.state(where.interface)
    except StepFailed:
        return ""
    stays = where.address in state.addresses
    return f"{where.address} could not be taken from {where.interface}" if stays else ""


def _place(ctx: Context) -> plan.Place:
    return plan.place(ctx.config, ctx.me, ctx.group.floating_ips[ctx.index].address)
