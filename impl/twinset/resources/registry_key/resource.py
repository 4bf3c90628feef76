"""Registry key of a group: restored before the start script, watched while the group runs (6.2.7).

A key that cannot be restored or read does not keep its group from starting: the event says so (6.2.7-06).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinset.resources.context import Context


class RegistryKeyResource:
    """The thin part: who keeps the keys is `System.registry`."""

    async def start(self, ctx: Context) -> None:
        """Put the last version into the store of this server, unless the group ran here last; watch from now on."""
        await ctx.system.registry.begin(ctx.group.name, _key(ctx))

    async def stop(self, ctx: Context) -> None:
        """Send what has changed last, and watch no longer; also right after a restart of the daemon."""
        if ctx.running:
            await self.check(ctx)
        await ctx.system.registry.end(ctx.group.name, _key(ctx))

    async def check(self, ctx: Context) -> None:
        """A restarted daemon goes on watching."""
        if not ctx.system.registry.watches(ctx.group.name, _key(ctx)):
            ctx.system.registry.resume(ctx.group.name, _key(ctx))


def _key(ctx: Context) -> str:
    return ctx.group.registry_keys[ctx.index].key
