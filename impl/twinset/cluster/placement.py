"""Where a group goes. Pure functions of what both servers know, so that both give the same answer.

Every refusal says why; "" and None mean the negative the docstring names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from .view import GroupView


def destination(
    group: GroupView,
    operating: Collection[str],
    occupied: Collection[str],
    able: Callable[[str], bool] = lambda _server: True,
) -> tuple[str, str]:
    """The server where the group should start and "", or "" and the reason why there is none.

    The highest-priority server among those that operate [6.2.5-02, 6.2.3-03]; with the failover attribute
    Exclusive only a server on which no group has been started [6.2.3-02]. Among these, one whose mirror
    sides may be activated goes before one whose may not (an activation that fails helps nobody).
    """
    servers = [server for server in group.policy if server in operating]
    if not servers:
        return "", "no server of its failover policy operates [6.2.5-02]"
    if group.exclusive:
        servers = [server for server in servers if server not in occupied]
        if not servers:
            return "", "failover attribute Exclusive: every operating server already runs a group [6.2.3-02]"
    return next((server for server in servers if able(server)), servers[0]), ""


def place(
    groups: Sequence[GroupView],
    operating: Collection[str],
    occupied: Collection[str],
    able: Callable[[GroupView, str], bool],
) -> dict[str, tuple[str, str]]:
    """Destination (or reason) of each group, placed one after the other in the configuration's order."""
    taken = set(occupied)
    placed: dict[str, tuple[str, str]] = {}
    for group in groups:
        server, reason = destination(group, operating, taken, lambda name, it=group: able(it, name))  # type: ignore[misc]
        placed[group.name] = (server, reason)
        if server:
            taken.add(server)
    return placed
