"""Failback: a group goes home when its home returns, once, and only to data that is the latest.

Failback fires on the *return* of the top server of the policy, never later: a group moved away by an
operator stays there until a server returns again [6.2.4-01, notes 4.3]. It waits until all mirror sets of
the group are NORMAL on both servers, else the activation at home would fail [6.2.4-02, 4.5.2-01].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from .view import GroupView


def armed_by_return(groups: Iterable[GroupView], returned: str, here: Collection[str]) -> set[str]:
    """The groups among those that run `here` which should go home because `returned` is back."""
    return {
        group.name
        for group in groups
        if group.failback and group.policy[0] == returned and group.name in here
    }


def due(groups: Iterable[GroupView], armed: Collection[str], normal: Callable[[str], bool]) -> list[str]:
    """The armed groups whose mirror sets all are NORMAL: they may go home now."""
    return [group.name for group in groups if group.name in armed and all(map(normal, group.sets))]
