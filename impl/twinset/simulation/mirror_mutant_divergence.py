"""How known bugs are put into the resolution of a divergence; the table with their rules is in `mirror_mutants.py`."""

# A sentence each stands in the table.
# ruff: noqa: D103

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from twinset.mirror import attaching, copy_mode
from twinset.mirror.maps import Maps

if TYPE_CHECKING:
    from twinset.mirror.side import Side


def one_sided() -> list[Any]:
    def attach(side: Side) -> None:
        if side.session is not None and side.session.peer.record.yielded:
            side.session.peer_map = b""
        original(side)

    original = attaching.attach
    return [patch.object(attaching, "attach", attach)]


def union_late() -> list[Any]:
    def attach(side: Side) -> None:
        with patch.object(Maps, "add", lambda _maps, _extents: None):
            original(side)

    original = attaching.attach
    return [patch.object(attaching, "attach", attach)]


def union_of_lost_maps() -> list[Any]:
    return [patch.object(copy_mode, "union_doubt", lambda _one, _other: "")]
