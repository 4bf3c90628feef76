"""Numbers, replay, freshness and echoes of heartbeats, without any timer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from twinset.cluster.heartbeat import (
    FOREIGN,
    NEW_BOOT,
    NEW_RUN,
    NEWEST,
    OLDER,
    REPLAYED,
    UNPROVEN,
    WINDOW,
    HeartbeatBook,
)

from .conftest import make_view

if TYPE_CHECKING:
    from twinset.cluster.view import ClusterView

BOOT_1, BOOT_2, BOOT_3 = "1" * 32, "2" * 32, "3" * 32
RUN_1, RUN_2, RUN_3 = "a" * 16, "b" * 16, "c" * 16


def book(server: str, boot: str, run: str, view: ClusterView | None = None) -> HeartbeatBook:
    return HeartbeatBook(view or make_view(), server, boot, run)


def acquainted() -> tuple[HeartbeatBook, HeartbeatBook]:
    """Two books that have proved themselves to each other."""
    one, two = book("server1", BOOT_1, RUN_1), book("server2", BOOT_2, RUN_2)
    hello = one.compose(0, "O", "", "")
    assert two.accept(hello, 0) == UNPROVEN
    assert one.accept(two.compose(0, "O", "", "", answer=hello), 0) == NEW_BOOT
    assert two.accept(one.compose(0, "O", "", ""), 0) == NEW_BOOT
    assert one.accept(two.compose(0, "O", "", ""), 0) == NEWEST
    return one, two


def test_a_stranger_is_believed_only_after_it_echoes() -> None:
    """A boot never heard before has to echo what this incarnation has sent."""
    one, two = acquainted()
    assert (one.peer_boot, two.peer_boot) == (BOOT_2, BOOT_1)
    assert one.acquainted


def test_a_recorded_heartbeat_of_an_earlier_life_is_refused() -> None:
    """What was recorded before a restart neither revives the old boot nor discredits the new one."""
    one, two = acquainted()
    recorded = two.compose(5, "O", "O", BOOT_1)
    assert one.accept(recorded, 5) == NEWEST
    reborn = book("server2", BOOT_3, RUN_3)
    answer = one.compose(6, "O", "", "", answer=reborn.compose(6, "Od", "", ""))
    assert reborn.accept(answer, 6) == NEW_BOOT
    assert one.accept(reborn.compose(7, "Od", "", ""), 7) == NEW_BOOT
    assert one.accept(recorded, 8) == REPLAYED
    assert one.peer_boot == BOOT_3


def test_an_old_echo_proves_nothing() -> None:
    """The echo of a stranger must be of the last heartbeat time-out, not from long ago."""
    one, _ = acquainted()
    reborn = book("server2", BOOT_3, RUN_3)
    reborn.accept(one.compose(10, "O", "", "", answer=reborn.compose(10, "Od", "", "")), 10)
    late = reborn.compose(20, "Od", "", "")
    assert one.accept(late, 10 + one.view.timing.timeout_ms + 1) == UNPROVEN
    assert one.accept(replace(late, echo_seq=one.seq + 1), 20) == UNPROVEN


def test_a_number_counts_once() -> None:
    """A datagram that arrives twice is refused the second time, also when others came in between."""
    one, two = acquainted()
    first, second = two.compose(1, "O", "", ""), two.compose(2, "O", "", "")
    assert [one.accept(beat, 3) for beat in (second, first, first, second)] == [
        NEWEST,
        OLDER,
        REPLAYED,
        REPLAYED,
    ]


def test_the_window_is_bounded() -> None:
    """A datagram older than the window is refused though its number was never heard."""
    one, two = acquainted()
    old = two.compose(1, "O", "", "")
    for _ in range(WINDOW):
        newest = two.compose(2, "O", "", "")
    assert one.accept(newest, 3) == NEWEST
    assert one.accept(old, 3) == REPLAYED


def test_a_restarted_twinsetd_of_the_same_boot_is_no_reboot() -> None:
    """A new incarnation with the same boot id is told apart from a reboot."""
    one, _ = acquainted()
    again = book("server2", BOOT_2, RUN_3)
    again.accept(one.compose(3, "O", "", "", answer=again.compose(3, "O", "", "")), 3)
    assert one.accept(again.compose(4, "O", "", ""), 4) == NEW_RUN


@pytest.mark.parametrize("change", [{"sender": "server1"}, {"cluster": "other"}, {"boot_id": BOOT_3}])
def test_what_is_not_the_peers_is_ignored(change: dict[str, str]) -> None:
    """Reflected heartbeats, other clusters and a known incarnation with a strange boot are ignored."""
    one, two = acquainted()
    assert one.accept(replace(two.compose(1, "O", "", ""), **change), 1) == FOREIGN


def test_the_echo_anchors_at_the_own_send_time() -> None:
    """What comes back is the send time of the newest own heartbeat that the peer has accepted (R13)."""
    one, two = acquainted()
    sent = one.compose(777, "O", "", "")
    assert two.accept(sent, 40) == NEWEST
    assert one.accept(two.compose(41, "O", "", ""), 900) == NEWEST
    assert one.echoed_ms == 777


def test_the_answer_to_a_stranger_anchors_no_lease() -> None:
    """An answer echoes what did not count as heard, so no lease may rest on it."""
    one, _ = acquainted()
    reborn = book("server2", BOOT_3, RUN_3)
    reborn.accept(one.compose(3, "O", "", "", answer=reborn.compose(3, "Od", "", "")), 3)
    assert reborn.echoed_ms == -1
