"""Floating IP address: duplicate detection before, gratuitous ARP after, a lifetime all along (7.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.errors import StepFailed
from twinset.resources.floating_ip import parse, plan

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig
    from twinset.resources.context import Context, System

PROBES: Final = 2
ANNOUNCEMENTS: Final = 4  # 7.2: repeated, for a switch or a host that missed one
ANNOUNCE_PAUSE_S: Final = 0.5
LIFETIME_MIN_S: Final = 2.0  # the kernel counts whole seconds


class FloatingIpResource:
    """The thin part: runs the plan."""

    async def start(self, ctx: Context) -> None:
        """Add the address unless another host has it; `announce` follows, beside the next steps."""
        where = _place(ctx)
        state = await _interface(ctx, where)
        if not state.up:
            raise StepFailed(f"{where.interface} is down: {where.address} cannot be reached there")
        if where.address not in state.addresses:
            await self._refuse_duplicate(ctx, where)
        await self.renew(ctx)

    async def stop(self, ctx: Context) -> None:
        """Take the address away. Where the interface is gone, so is the address."""
        address = ctx.group.floating_ips[ctx.index].address
        if reason := await take_away(ctx.system, ctx.config, ctx.me, address):
            raise StepFailed(reason)

    async def check(self, ctx: Context) -> None:
        """The address is there; one that somebody or the end of a lease took away is put back."""
        where = _place(ctx)
        state = await _interface(ctx, where)
        if where.address not in state.addresses:
            await self.renew(ctx)
            await ctx.system.run(plan.announce(where), timeout_s=10)
            ctx.system.log("floating_ip_restored", "warning", {"address": where.address})

    async def renew(self, ctx: Context) -> None:
        """Let the address live as long as this server's lease, not longer."""
        where = _place(ctx)
        outcome = await ctx.system.run(
            plan.hold(where, max(LIFETIME_MIN_S, ctx.system.lease_left_s())), timeout_s=10
        )
        if not outcome.ok:
            raise StepFailed(f"{where.address} cannot be held on {where.interface}: {outcome.reason()}")

    async def announce(self, ctx: Context) -> None:
        """Tell the LAN, at once and again for a while; runs beside the next steps."""
        where = _place(ctx)
        for number in range(ANNOUNCEMENTS):
            outcome = await ctx.system.run(plan.announce(where), timeout_s=10)
            if not outcome.ok and number == 0:
                fields = {"address": where.address, "reason": outcome.reason()}
                ctx.system.log("fip_announce_failed", "warning", fields)
            await ctx.system.pause(ANNOUNCE_PAUSE_S)

    async def _refuse_duplicate(self, ctx: Context, where: plan.Place) -> None:
        probes = PROBES if ctx.time_scale >= 1 else 1
        outcome = await ctx.system.run(plan.probe(where, probes), timeout_s=probes + 10)
        if outcome.code == 1:
            text = f"another host on {where.interface} answers for {where.address} [7.2.2]"
            raise StepFailed(text, "E_DUP")
        if not outcome.ok:
            raise StepFailed(f"duplicate address detection for {where.address} failed: {outcome.reason()}")


async def take_away(system: System, config: ClusterConfig, me: str, address: str) -> str:
    """Take an address away that no group has any more; return why it is still there."""
    where = plan.place(config, me, address)
    await system.run(plan.drop(where), timeout_s=10)
    shown = await system.run(plan.show(where), timeout_s=10)
    if shown.ok and where.address in parse.interface(shown.stdout).addresses:
        return f"{where.address} could not be taken from {where.interface}"
    return ""


def _place(ctx: Context) -> plan.Place:
    return plan.place(ctx.config, ctx.me, ctx.group.floating_ips[ctx.index].address)


async def _interface(ctx: Context, where: plan.Place) -> parse.InterfaceState:
    outcome = await ctx.system.run(plan.show(where), timeout_s=10)
    if not outcome.ok:
        raise StepFailed(f"interface {where.interface}: {outcome.reason()}")
    try:
        return parse.interface(outcome.stdout)
    except ValueError as error:
        raise StepFailed(f"interface {where.interface}: {error}") from None
