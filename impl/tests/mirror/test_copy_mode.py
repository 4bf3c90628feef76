"""The table that decides what has to be copied, row by row, and who may serve (4.3.4.3, R1, R7 to R9)."""

from __future__ import annotations

from typing import Any

import pytest

from twinset.mirror import copy_mode
from twinset.mirror.cluster_partition import NO_ID, Record, State
from twinset.mirror.copy_mode import View, decide

SET, ONE, TWO = b"S" * 16, b"1" * 16, b"2" * 16


def view(state: State, *, sound: bool = True, continuous: bool = True, **fields: Any) -> View:
    """Return a view of server 1's record, or with `disk_uuid` and `peer_disk_uuid` of server 2's."""
    values = {"set_uuid": SET, "disk_uuid": ONE, "peer_disk_uuid": TWO, "cur": 5, **fields}
    return View(Record(state=state, **values), sound=sound, continuous=continuous)


def other(state: State, *, sound: bool = True, continuous: bool = True, **fields: Any) -> View:
    return view(
        state, sound=sound, continuous=continuous, **{"disk_uuid": TWO, "peer_disk_uuid": ONE, **fields}
    )


ROWS = [
    # what it is, source, target, mode, row
    ("both clean", view(State.IN_SYNC, clean=True), other(State.IN_SYNC, clean=True), "none", "in-step"),
    ("one was used since", view(State.IN_SYNC, clean=True), other(State.IN_SYNC), "window", "in-step"),
    ("the other was used since", view(State.IN_SYNC), other(State.IN_SYNC, clean=True), "window", "in-step"),
    ("interrupted connection", view(State.IN_SYNC), other(State.IN_SYNC), "window", "in-step"),
    ("source's window lost", view(State.IN_SYNC, continuous=False), other(State.IN_SYNC), "full", "in-step"),
    ("target's window lost", view(State.IN_SYNC), other(State.IN_SYNC, continuous=False), "full", "in-step"),
    ("target restarted", view(State.IN_SYNC), other(State.IN_SYNC, sound=False), "high-speed", "in-step"),
    ("source restarted", view(State.IN_SYNC, sound=False), other(State.IN_SYNC), "refuse", "in-step"),
    ("both went down", view(State.IN_SYNC, sound=False), other(State.IN_SYNC, sound=False), "undecided", "in-step"),
    ("told to stay behind", view(State.IN_SYNC), other(State.STALE), "high-speed", "in-step"),
    ("source behind", view(State.STALE), other(State.IN_SYNC), "refuse", "in-step"),
    ("crashed before it went alone", view(State.IN_SYNC, sound=False), other(State.STALE), "refuse", "in-step"),
    ("target forced", view(State.SOLO, base=3), other(State.DIVERGED, cur=9, forced=True), "apart", "forced"),
    ("source forced", view(State.DIVERGED, cur=9, forced=True), other(State.STALE), "apart", "forced"),
    ("both sides alone", view(State.SOLO, base=3), other(State.SOLO, base=3, cur=6), "diverged", "rival"),
    ("created anew while the other went on alone", view(State.SOLO, base=0), other(State.SOLO, base=3, cur=6),
     "diverged", "rival"),
    ("the other was created anew", view(State.SOLO, base=3), other(State.SOLO, base=0, cur=9), "diverged", "rival"),
    ("marked diverged", view(State.DIVERGED), other(State.IN_SYNC), "diverged", "rival"),
    ("source outdated", view(State.STALE), other(State.SOLO, cur=6, base=5), "refuse", "source-unfit"),
    ("source is a half copy", view(State.INCONSISTENT), other(State.IN_SYNC), "refuse", "source-unfit"),
    ("source disk failed", view(State.FAULTY), other(State.IN_SYNC), "refuse", "source-unfit"),
    ("the other is latest", view(State.IN_SYNC), other(State.SOLO, cur=6, base=5), "refuse", "source-unfit"),
    ("first creation", view(State.SOLO, base=0), other(State.BLANK, cur=0), "full", "target-replaced"),
    ("replaced disk", view(State.SOLO, base=3), other(State.STALE, cur=3, disk_uuid=b"9" * 16), "full",
     "target-replaced"),
    ("disk of another set", view(State.SOLO, base=3), other(State.STALE, cur=3, set_uuid=b"T" * 16), "full",
     "target-replaced"),
    ("target disk had failed", view(State.SOLO, base=3), other(State.FAULTY, cur=3), "full", "target-faulty"),
    ("source went down", view(State.SOLO, base=3, sound=False), other(State.STALE, cur=3), "full",
     "source-unsure"),
    ("difference map lost", view(State.SOLO, base=3, continuous=False), other(State.STALE, cur=3), "full",
     "source-unsure"),
    ("difference known", view(State.SOLO, base=3), other(State.STALE, cur=3), "high-speed", "difference"),
    ("rebuild interrupted", view(State.SOLO, base=3), other(State.INCONSISTENT, cur=3, target_of=5), "high-speed",
     "difference"),
    ("given up, both differences known", view(State.SOLO, base=3),
     other(State.INCONSISTENT, cur=9, base=3, yielded=True), "high-speed", "resolved"),
    ("given up, its difference lost", view(State.SOLO, base=3),
     other(State.INCONSISTENT, cur=9, base=3, yielded=True, continuous=False), "full", "resolved"),
    ("given up, of another origin", view(State.SOLO, base=3),
     other(State.INCONSISTENT, cur=9, base=2, yielded=True), "full", "resolved"),
    ("generation unknown", view(State.SOLO, base=3), other(State.STALE, cur=2), "full", "else"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "target", "mode", "row"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_row(source: View, target: View, mode: str, row: str) -> None:
    """Each situation has one row of the table, and that row names its copy mode with a reason."""
    decision = decide(source, target)
    assert (decision.mode, decision.row) == (mode, row)
    assert decision.reason


def test_every_row_of_the_table_is_proved() -> None:
    """No row of the table is without a case above."""
    rows = {name for name, _ in copy_mode._TABLE} | {"else"}
    assert rows == {row[4] for row in ROWS}


def test_without_fastsync_every_difference_is_a_full_copy() -> None:
    """With FastSync switched off a known difference is copied in full, and the reason says so."""
    decision = decide(view(State.SOLO, base=3), other(State.STALE, cur=3), fastsync=False)
    assert (decision.mode, decision.reason) == ("full", "FastSync is not in use")


@pytest.mark.parametrize(
    "state", [State.STALE, State.INCONSISTENT, State.FAULTY, State.BLANK, State.DIVERGED]
)
@pytest.mark.parametrize("connected", [False, True])
def test_a_side_that_is_not_the_latest_never_serves(state: State, connected: bool) -> None:
    """Neither a connection nor the other server's death makes an outdated side fit (promise 3)."""
    assert copy_mode.may_activate(view(state), peer_connected=connected, peer_down=True)


@pytest.mark.parametrize(
    ("mine", "down", "allowed"),
    [
        (view(State.IN_SYNC), True, True),
        (view(State.IN_SYNC, sound=False), True, False),
        (view(State.IN_SYNC, clean=True), True, False),
        (view(State.IN_SYNC, clean=True, solo_right=True), True, True),
        (view(State.SOLO, sound=False), True, True),
    ],
    ids=["in step", "went down itself", "clean without the right", "clean with the right", "already alone"],
)
def test_lone_start(mine: View, down: bool, allowed: bool) -> None:
    """Alone, a side serves only with its own proof: alive in step, the right to start, or alone already (R7)."""
    assert (copy_mode.may_activate(mine, peer_connected=False, peer_down=down) == "") is allowed


def test_outdated_by_a_newer_generation() -> None:
    """A side in step learns from the other's new generation that it is behind, whatever it was told (R1)."""
    assert copy_mode.outdated_by(view(State.IN_SYNC), other(State.SOLO, cur=6, base=5))
    assert not copy_mode.outdated_by(view(State.IN_SYNC), other(State.IN_SYNC))
    assert not copy_mode.outdated_by(view(State.SOLO, base=3), other(State.SOLO, cur=6, base=5))
    assert not copy_mode.outdated_by(view(State.IN_SYNC, set_uuid=NO_ID), other(State.SOLO, cur=6))


def test_a_side_that_lost_writes_yields_to_a_stale_one_of_its_generation() -> None:
    """The permission to go alone was given and not used, so the STALE side holds every acknowledged write."""
    assert copy_mode.outdated_by(view(State.IN_SYNC, sound=False), other(State.STALE))
    assert not copy_mode.outdated_by(view(State.IN_SYNC), other(State.STALE))
    assert not copy_mode.outdated_by(view(State.IN_SYNC, sound=False), other(State.STALE, sound=False))
