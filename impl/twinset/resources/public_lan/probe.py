"""Looks at the public LANs of this server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from twinset.errors import StepFailed
from twinset.resources.public_lan import parse, plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twinset.config.cluster import ClusterConfig
    from twinset.resources.context import System


async def look(system: System, config: ClusterConfig, me: str, targets: Sequence[str]) -> str:
    """Return "" when the public LANs are good, else what is wrong with them."""
    links = {name: _has_link(system, name) for name in plan.interfaces(config, me)}
    outcomes = await asyncio.gather(
        *(system.run(plan.ping(target), timeout_s=2 * plan.PING_S) for target in targets)
    )
    answers = {target: outcome.ok for target, outcome in zip(targets, outcomes, strict=True)}
    return parse.verdict(links, answers)


def _has_link(system: System, interface: str) -> bool:
    """True when it is switched on and its cable is live; one that is gone has no link."""
    try:
        return system.addresses.state(interface).carrier
    except StepFailed:
        return False
