"""What to look at: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig

PING_S: Final = 2


def interfaces(config: ClusterConfig, me: str) -> tuple[str, ...]:
    """Return this server's interfaces in the public LANs."""
    return tuple(
        endpoint.interface
        for lan in config.public_lans()
        for endpoint in lan.endpoints
        if endpoint.server.casefold() == me.casefold()
    )


def ping(target: str) -> list[str]:
    """Ask a host for one answer. `--` because a target comes from a script's words."""
    return ["ping", "-n", "-q", "-c", "1", "-W", str(PING_S), "--", target]
