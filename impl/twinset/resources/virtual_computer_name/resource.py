"""Virtual computer name: claimed before it is used, defended while the group runs, given back after (7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinset.errors import StepFailed
from twinset.resources.virtual_computer_name import plan

if TYPE_CHECKING:
    from twinset.resources.context import Context


class VirtualComputerNameResource:
    """The thin part: who speaks to the LAN is `System.names`."""

    def prepare(self, ctx: Context) -> None:
        """Begin the claim, beside the steps before this one: the protocol's waiting times must not add up."""
        ctx.system.names.prepare(_key(ctx), _place(ctx))

    def abandon(self, ctx: Context) -> None:
        """End what `prepare` began: the start failed before this step."""
        ctx.system.names.abandon(_key(ctx))

    async def start(self, ctx: Context) -> None:
        """Take the name, unless another host on the LAN or a name server objects."""
        reason = await ctx.system.names.take(_key(ctx), _place(ctx))
        if reason:
            raise StepFailed(reason, "E_DUP")

    async def stop(self, ctx: Context) -> None:
        """Give the name back."""
        await ctx.system.names.release(_key(ctx))

    async def check(self, ctx: Context) -> None:
        """A restarted daemon serves the name again that its predecessor had taken."""
        if not ctx.system.names.holds(_key(ctx)):
            place = _place(ctx)
            ctx.system.names.resume(_key(ctx), place)
            ctx.system.log("virtual_computer_name_resumed", "warning", {"name": place.name})

    async def renew(self, ctx: Context) -> None:
        """With the lease: nothing to prolong, a name is silent without one; but a successor serves it again."""
        await self.check(ctx)


def _key(ctx: Context) -> str:
    return ctx.group.virtual_computer_names[ctx.index].name.upper()


def _place(ctx: Context) -> plan.Place:
    return plan.place(ctx.config, ctx.me, ctx.group, ctx.index)
