"""What was said and heard in heartbeats: numbering, replay, freshness, echoes.

Rules:
1. Within an incarnation of the peer a sequence number counts once (a window of 64 allows for LANs of
   different speed).
2. A boot or incarnation never heard before is believed only when it echoes something this incarnation has
   sent within the last time-out: a recording of an earlier life cannot (R12 must not be provoked by one).
   Such a stranger is answered at once with an echo, so that it can prove itself with its next heartbeat.
3. An incarnation once superseded is never believed again.
4. The echo of an answer to a stranger anchors no lease: the stranger does not count as heard yet.
5. Any other echo names the newest accepted heartbeat, with the send time on the *peer's* clock; handed
   back it anchors the peer's lease (R13). The core compares only its own send times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinset.wire.heartbeat import Heartbeat

if TYPE_CHECKING:
    from .view import ClusterView

WINDOW = 64
RETIRED_MAX = 256

NEWEST, OLDER, NEW_BOOT, NEW_RUN = "newest", "older", "new_boot", "new_run"  # accepted
FOREIGN, REPLAYED, UNPROVEN = "foreign", "replayed", "unproven"  # refused


class HeartbeatBook:
    """Numbers of this incarnation, and what is known of the peer's."""

    def __init__(self, view: ClusterView, me: str, boot_id: str, incarnation: str) -> None:
        self.view = view
        self.me = me
        self.peer = view.peer_of(me)
        self.boot_id = boot_id
        self.incarnation = incarnation
        self.seq = 0
        self.peer_boot = ""
        self.peer_run = ""
        self.newest_seq = 0
        self.newest_sent_ms = 0
        self.seen = 0  # bit i: newest_seq - i was heard
        self.echoed_ms = -1  # send time of the newest own heartbeat that the peer has echoed
        self.acquainted = False  # the peer's present incarnation has accepted this one
        self.retired: dict[str, None] = {}

    def number(self) -> int:
        """The next sequence number; heartbeats and messages to the peer share them."""
        self.seq += 1
        return self.seq

    def compose(
        self, now_ms: int, status: str, peer_status: str, peer_boot: str, answer: Heartbeat | None = None
    ) -> Heartbeat:
        """The next heartbeat; with `answer` it echoes that stranger instead of the accepted peer."""
        if answer is not None:
            echo = (answer.incarnation, answer.seq, answer.sent_ms)
        else:
            echo = (self.peer_run, self.newest_seq, self.newest_sent_ms)
        return Heartbeat(
            cluster=self.view.name,
            sender=self.me,
            boot_id=self.boot_id,
            incarnation=self.incarnation,
            seq=self.number(),
            sent_ms=now_ms,
            status=status,
            peer_status=peer_status,
            peer_boot=peer_boot,
            echo_incarnation=echo[0],
            echo_seq=echo[1],
            echo_sent_ms=echo[2],
            config_digest=self.view.digest,
            answer=answer is not None,
        )

    def accept(self, heartbeat: Heartbeat, now_ms: int) -> str:
        """Judge a heartbeat and, when it is accepted, take over what it says of numbers and echoes."""
        if heartbeat.cluster != self.view.name or heartbeat.sender != self.peer:
            return FOREIGN
        verdict = self._judge(heartbeat, now_ms)
        if verdict in (NEW_BOOT, NEW_RUN):
            self._supersede(heartbeat)
        if verdict in (NEWEST, NEW_BOOT, NEW_RUN):
            self.newest_sent_ms = heartbeat.sent_ms
        accepted = verdict in (NEWEST, OLDER, NEW_BOOT, NEW_RUN)
        if accepted and not heartbeat.answer and self._echoes_me(heartbeat):
            self.acquainted = True
            self.echoed_ms = max(self.echoed_ms, heartbeat.echo_sent_ms)
        return verdict

    def _judge(self, heartbeat: Heartbeat, now_ms: int) -> str:
        if heartbeat.incarnation != self.peer_run:
            if heartbeat.incarnation in self.retired:
                return REPLAYED
            timely = heartbeat.echo_sent_ms >= now_ms - self.view.timing.timeout_ms
            if not (self._echoes_me(heartbeat) and timely):
                return UNPROVEN
            return NEW_RUN if heartbeat.boot_id == self.peer_boot else NEW_BOOT
        if heartbeat.boot_id != self.peer_boot:
            return FOREIGN
        ahead = heartbeat.seq - self.newest_seq
        if ahead > 0:
            self.seen = ((self.seen << ahead) | 1) & ((1 << WINDOW) - 1) if ahead < WINDOW else 1
            self.newest_seq = heartbeat.seq
            return NEWEST
        bit = 1 << -ahead
        if -ahead >= WINDOW or self.seen & bit:
            return REPLAYED
        self.seen |= bit
        return OLDER

    def _supersede(self, heartbeat: Heartbeat) -> None:
        if self.peer_run:
            self.retired[self.peer_run] = None
            if len(self.retired) > RETIRED_MAX:
                del self.retired[next(iter(self.retired))]
        self.acquainted = False
        self.peer_boot, self.peer_run = heartbeat.boot_id, heartbeat.incarnation
        self.newest_seq, self.seen = heartbeat.seq, 1

    def _echoes_me(self, heartbeat: Heartbeat) -> bool:
        return heartbeat.echo_incarnation == self.incarnation and 0 < heartbeat.echo_seq <= self.seq
