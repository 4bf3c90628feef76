"""Looks at the public LANs of this server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from twinset.resources.public_lan import parse, plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twinset.config.cluster import ClusterConfig
    from twinset.resources.context import System


async def look(system: System, config: ClusterConfig, me: str, targets: Sequence[str]) -> str:
    """Return "" when the public LANs are good, else what is wrong with them."""
    names = plan.interfaces(config, me)
    seen, outcomes = await asyncio.gather(
        asyncio.gather(*(system.run(plan.link(name), timeout_s=plan.PING_S) for name in names)),
        asyncio.gather(*(system.run(plan.ping(target), timeout_s=2 * plan.PING_S) for target in targets)),
    )
    links = {name: parse.has_link(outcome.stdout) for name, outcome in zip(names, seen, strict=True)}
    answers = {target: outcome.ok for target, outcome in zip(targets, outcomes, strict=True)}
    return parse.verdict(links, answers)
