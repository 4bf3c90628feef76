"""Virtual IP address: on the loopback interface, its route announced by RIP while the group runs (2.3.1-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.errors import StepFailed
from twinset.resources.virtual_ip import plan

if TYPE_CHECKING:
    from twinset.resources.context import Context

LIFETIME_MIN_S: Final = 2.0  # the kernel counts whole seconds


class VirtualIpResource:
    """The thin part: runs the plan; who speaks to routers is `System.routes`."""

    async def start(self, ctx: Context) -> None:
        """Add the address, then announce the route to it."""
        await self.renew(ctx)

    async def stop(self, ctx: Context) -> None:
        """Withdraw the route first, so that nothing is sent here any more, then take the address away."""
        where = _place(ctx)
        await ctx.system.routes.withdraw(where)
        ctx.system.addresses.drop(plan.LOOPBACK, where.address, plan.PREFIX)
        if where.address in _addresses(ctx):
            raise StepFailed(f"{where.address} could not be taken from {plan.LOOPBACK}")

    async def check(self, ctx: Context) -> None:
        """The address is there and announced; what somebody took away is put back."""
        where = _place(ctx)
        if where.address not in _addresses(ctx):
            ctx.system.log("virtual_ip_restored", "warning", {"address": where.address})
            await self.renew(ctx)

    async def renew(self, ctx: Context) -> None:
        """Let the address live as long as this server's lease; a restarted daemon announces it again."""
        where = _place(ctx)
        seconds = max(LIFETIME_MIN_S, ctx.system.lease_left_s())
        ctx.system.addresses.hold(plan.LOOPBACK, where.address, plan.PREFIX, seconds)
        ctx.system.routes.announce(where)


def _place(ctx: Context) -> plan.Place:
    return plan.place(ctx.config, ctx.me, ctx.group.virtual_ips[ctx.index].address)


def _addresses(ctx: Context) -> frozenset[str]:
    return ctx.system.addresses.state(plan.LOOPBACK).addresses
