"""How known bugs are put into the comparison of both sides; the table with their rules is in `mirror_mutants.py`."""

# A sentence each stands in the table.
# ruff: noqa: D103

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from twinset.mirror import range_lock
from twinset.mirror.operations import VERIFY
from twinset.mirror.session import COPY_RUNS, IN_STEP, SOURCE
from twinset.mirror.verify import Piece, Verify
from twinset.mirror.write_path import COPYING, MIRROR


def looked_at_once() -> list[Any]:
    def unequal(verify: Verify, piece: Piece) -> None:
        verify.found(piece.op.offset, piece.op.length)
        piece.end()

    return [patch.object(Verify, "unequal", unequal)]


def looked_at_again_unlocked() -> list[Any]:
    def overlap(one: Any, other: Any) -> bool:
        return VERIFY not in (one.kind, other.kind) and original(one, other)

    original = range_lock._overlap  # noqa: SLF001
    return [patch.object(range_lock, "_overlap", overlap)]


def compares_out_of_step() -> list[Any]:
    def able(verify: Verify) -> bool:
        side, session = verify.side, verify.side.session
        known = session is not None and session.phase in (IN_STEP, COPY_RUNS) and side.role == SOURCE
        return known and side.path.mode in (MIRROR, COPYING) and not side.told.frozen and not side.failed

    return [patch.object(Verify, "able", property(able))]


def cursor_passes_what_was_begun() -> list[Any]:
    def interrupt(verify: Verify) -> None:
        if verify.job is not None:
            verify.job.cursor = max(verify.job.cursor, verify.at)
        original(verify)

    original = Verify.interrupt
    return [patch.object(Verify, "interrupt", interrupt)]
