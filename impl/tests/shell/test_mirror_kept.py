"""Keeping the blocks of a side that is given up: bounded by the room that there is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tests.mirror.test_divergence import diverged
from twinset.shell import mirror_kept
from twinset.shell.mirror_kept import Keeping

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def keeping(state_dir: Path) -> tuple[Keeping, list[Any]]:
    side, _ = diverged()
    replies: list[Any] = []
    spec = SimpleNamespace(set="set1", server="server2", placed=lambda _layout: [])
    daemon = SimpleNamespace(
        side=side, state_dir=state_dir, spec=spec, layout=[], reply=lambda *answer: replies.append(answer)
    )
    return Keeping(daemon), replies  # type: ignore[arg-type]


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says how much is needed and what there is room for; no file is left."""
    kept, replies = keeping(tmp_path)
    monkeypatch.setattr(mirror_kept, "RESERVE_BYTES", 1 << 62)
    kept.start("ask")
    assert replies[0][1][0] == "E_SPACE"
    assert "room for 0" in replies[0][1][1]
    assert not mirror_kept.directory(tmp_path).exists()
    assert kept.status() is None


def test_what_an_interrupted_process_has_left_is_removed(tmp_path: Path) -> None:
    """An unfinished file is none; the next one begins anew, and is not complete before its end is written."""
    left = mirror_kept.directory(tmp_path) / "set1-x.kept.part"
    left.parent.mkdir()
    left.write_bytes(b"half")
    kept, replies = keeping(tmp_path)
    kept.start("ask")
    assert replies == [("ask", None)]
    assert not left.exists()
    assert not kept.complete
    kept.start("again")
    assert len(list(left.parent.iterdir())) == 1
