"""What a side says of itself: the states of 4.3.1 and 6.2.5, and whether it is the latest (promise 3)."""

from __future__ import annotations

from typing import Any

import pytest

from twinset.mirror import permits, requests, status
from twinset.mirror.cluster_partition import State
from twinset.mirror.session import (
    ATTACHING,
    CONNECTED,
    COPY_RUNS,
    COVERED,
    FINISHING,
    IN_STEP,
    SOURCE,
    TARGET,
)

from .test_side import make, peer

ELSEWHERE = b"X" * 16  # another boot than the one that runs
SOLO_NEW, SOLO = (State.SOLO, {"base": 0}), (State.SOLO, {"base": 4})


@pytest.mark.parametrize(
    ("state", "fields", "phase", "word"),
    [
        (State.BLANK, {}, "", "UNREGISTERED"),
        (State.FAULTY, {}, IN_STEP, "ISOLATED"),
        (State.DIVERGED, {}, CONNECTED, "DIVERGED"),
        (*SOLO_NEW, "", "UNDER_CONSTRUCTION"),
        (*SOLO_NEW, CONNECTED, "UNDER_CONSTRUCTION"),
        (*SOLO_NEW, COPY_RUNS, "UNDER_CONSTRUCTION"),
        (*SOLO, "", "INCONSISTENT"),
        (*SOLO, ATTACHING, "INCONSISTENT"),
        (*SOLO, COPY_RUNS, "RECONSTRUCTING"),
        (*SOLO, FINISHING, "RECONSTRUCTING"),
        (State.IN_SYNC, {}, IN_STEP, "NORMAL"),
        (State.IN_SYNC, {}, COPY_RUNS, "RECONSTRUCTING"),
        (State.IN_SYNC, {}, "", "INCONSISTENT"),
        (State.IN_SYNC, {"clean": True}, "", "NORMAL"),
        (State.IN_SYNC, {"boot_id": ELSEWHERE}, "", "UNDECIDED"),
        (State.STALE, {}, "", "INCONSISTENT"),
        (State.STALE, {}, CONNECTED, "INCONSISTENT"),
        (State.INCONSISTENT, {}, COPY_RUNS, "RECONSTRUCTING"),
    ],
)
def test_the_state_of_the_set_is_a_word_of_the_guide(
    state: State, fields: dict[str, Any], phase: str, word: str
) -> None:
    """The record says it, unless a session knows better: a copy that runs, or both in step (4.3.1, 6.2.5)."""
    side, _ = make(state, **fields)
    if phase:
        side.session = peer()
        side.session.phase = phase
    assert status.set_state(side) == word


@pytest.mark.parametrize(
    ("state", "boot", "latest"),
    [
        (State.SOLO, ELSEWHERE, True),
        (State.FINISHING, ELSEWHERE, True),
        (State.IN_SYNC, b"B" * 16, True),
        (State.IN_SYNC, ELSEWHERE, None),
        (State.DIVERGED, b"B" * 16, None),
        (State.STALE, b"B" * 16, False),
        (State.INCONSISTENT, b"B" * 16, False),
        (State.FAULTY, b"B" * 16, False),
        (State.BLANK, b"B" * 16, False),
    ],
)
def test_a_side_says_whether_it_is_the_latest_or_that_it_cannot_know(
    state: State, boot: bytes, latest: bool | None
) -> None:
    """Alone or in step it is; after a crash in step, or of two rivals, nobody knows (promise 3, R8)."""
    side, _ = make(state, boot_id=boot)
    assert status.latest(side) is latest
    assert status.status(side, 0)["latest"] is latest


@pytest.mark.parametrize(
    ("phase", "word"),
    [
        ("", "none"),
        (CONNECTED, "connected"),
        (ATTACHING, "connected"),
        (COPY_RUNS, "copying"),
        (FINISHING, "copying"),
        (IN_STEP, "in_sync"),
        (COVERED, "connected"),
    ],
)
def test_the_session_is_told_in_a_word(phase: str, word: str) -> None:
    """None, connected, copying or in step; with a session the other side's record is told too."""
    side, _ = make()
    if phase:
        side.session = peer(State.STALE)
        side.session.phase = phase
    told = status.status(side, 3)
    assert told["session"] == word
    assert told["inflight"] == 3
    assert (told["peer"] or {}).get("state") == ("STALE" if phase else None)


def test_the_role_is_what_the_side_does_for_others() -> None:
    """Serving its group it is active, without one permitted, receiving standby, else idle; a source need not serve."""
    side, _ = make(State.SOLO, base=4)
    assert status.role(side) == "idle"
    side.role = TARGET
    assert status.role(side) == "standby"
    side.become_source()
    assert (status.role(side), status.status(side, 0)["source"]) == ("idle", True)
    requests.activate(side, "activate", peer_down=True)
    assert status.role(side) == "active"
    side, _ = make(State.SOLO, base=4)
    permits.permit(side, "permit", forced=False, peer_stale=0)
    assert (side.role, status.role(side)) == (SOURCE, "permitted")


def test_the_status_has_sizes_in_bytes_and_generations_in_hexadecimal() -> None:
    """Difference, whole size and both generations; whether it may serve stands with the reason why not."""
    side, _ = make(State.STALE, cur=0xAB, base=4)
    side.maps.set_dirty(3)
    told = status.status(side, 0)
    assert (told["dirty_bytes"], told["size_bytes"], told["copy"]) == (16, 128, None)
    assert (told["cur"], told["base"]) == ("00000000000000ab", "0000000000000004")
    assert told["may_activate"]["ok"] is False
    assert "not the latest" in told["may_activate"]["reason"]
    assert told["frozen"] is None
    side.freeze("no lease")
    assert status.status(side, 0)["frozen"] == "no lease"


def test_a_copy_that_runs_is_told_with_its_progress() -> None:
    """The source of a rebuild says how far it is (4.3.3); afterwards mode and bytes of the last one stay."""
    side, ports = make(State.SOLO, base=4)
    side.maps.set_dirty(3)
    side.told.rebuild = True
    side.session_up(peer(State.STALE, cur=4))
    side.control({"type": "attached", "epoch": 1})
    told = status.status(side, 0)
    assert (told["session"], told["copy"]["mode"], told["copy"]["bytes_total"]) == (
        "copying",
        "high-speed",
        16,
    )
    side.path.local_done(ports.reads[0], 0)
    side.path.written(ports.sent[0].seq)
    side.progress()
    told = status.status(side, 0)
    assert (told["copy"], told["copy_mode_last"], told["copied_bytes_last"]) == (None, "high-speed", 16)
