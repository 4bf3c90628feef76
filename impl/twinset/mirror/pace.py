"""How much of two servers a rebuild takes while clients work.

Theory of operation. A copy goes in *runs*: pieces that lie side by side, which the shell reads and writes by one
request of each disk. An ordinary disk is paid by the request, so a run costs its clients little more than one of
their own operations. When a run may begin:

1. Nobody has asked anything for QUIET_MS: a long run, and another while the first is on its way.
2. Clients are there, and the own disk had nothing of theirs for a good part of the last moments, nor has it now: a
   short run. What they leave idle is the rebuild's. Where runs make them wait the disk has something of theirs for
   longer, and the next runs come by rule 4: this finds the edge by itself.
3. A lone client, which never has two operations at the disk, fills no gap: what a run delays, it loses. Beside it runs
   by rule 2 take no more than LONE_SHARE of the best rate that this copy has seen; the rest is time in which nothing
   waits. The best rate is looked for anew every RELEARN_MS, in one window without that limit.
4. The disk worked on something of theirs most of the time: a short run for every OPS_A_RUN of their operations,
5. and one every FLOOR_MS in any case: the floor rate, by which a rebuild ends under any load (4.1.4.2).

While clients are there one run at a time is read, in at most STRETCHES_BUSY stretches: so many requests of a disk is
what an operation of theirs waits for at most. While one run is written, the next one may be read.
"""

from __future__ import annotations

from typing import Final

QUIET_MS: Final = 100
BUSY_SHARE_MAX: Final = 0.6  # of the time, about the last BUSY_MS
BUSY_MS: Final = 250
LONE_SHARE: Final = 0.6
WINDOW_MS: Final = 250
RELEARN_MS: Final = 5_000
OPS_A_RUN: Final = 8
FLOOR_MS: Final = 125
LONG_BYTES: Final = 1 << 20  # a short run is half of it
PIECES_MAX: Final = 16  # of a run: what one request of the disk may gather
STRETCHES_BUSY: Final = 2
NONE: Final = (0, 0)


class Pace:
    """When the next run of one copy may begin; times in milliseconds."""

    def __init__(self, piece_max: int) -> None:
        self.long = max(1, min(PIECES_MAX, LONG_BYTES // piece_max))
        self.short = max(1, self.long // 2)
        self.work = -1  # operations of clients so far, when they were last looked at
        self.work_begun = 0  # and when the last run began
        self.seen_ms = -QUIET_MS  # when clients were last seen at work
        self.begun_ms = -FLOOR_MS
        self.share = 0.0  # of the time that the disk had something of theirs
        self.looked_ms = -1
        self.many_ms = -BUSY_MS  # when clients had several operations at the disk
        self.best = 0.0  # pieces a millisecond; 0: looked for
        self.pieces = 0  # that were begun in this window
        self.window_ms = self.learnt_ms = 0
        self.next_ms = 0.0  # when a run beside a lone client may begin

    def room(self, now_ms: int, clients: int, work: int, inflight: int, reading: int) -> tuple[int, int]:
        """How many pieces may begin, in how many stretches at most.

        `clients`: their operations that the own disk had since the last look; `work`: those begun so far;
        `inflight`: pieces under way, `reading` of them still on the own disk.
        """
        if self.looked_ms >= 0:
            passed = min(1.0, (now_ms - self.looked_ms) / BUSY_MS)
            self.share += ((clients > 0) - self.share) * passed
        self.looked_ms = now_ms
        if clients > 1:
            self.many_ms = now_ms
        self._learn(now_ms)
        if clients or work != self.work:
            if self.work >= 0 or clients:
                self.seen_ms = now_ms
            self.work = work
        if now_ms - self.seen_ms >= QUIET_MS:
            return (self.long, self.long) if inflight <= self.long else NONE
        if reading or inflight > self.short:
            return NONE
        idle = not clients and self.share <= BUSY_SHARE_MAX
        if self.best and self.share <= BUSY_SHARE_MAX and now_ms - self.many_ms >= BUSY_MS:  # a lone client
            may = idle and now_ms >= self.next_ms
        else:
            may = idle or work - self.work_begun >= OPS_A_RUN
        return (self.short, STRETCHES_BUSY) if may or now_ms - self.begun_ms >= FLOOR_MS else NONE

    def begun(self, now_ms: int) -> None:
        """A run has begun."""
        self.begun_ms = now_ms
        self.work_begun = self.work
        self.next_ms = max(self.next_ms, float(now_ms - 1))  # a look comes late by about so much

    def piece(self) -> None:
        """A piece of it, too."""
        self.pieces += 1
        if self.best:
            self.next_ms += 1 / (LONE_SHARE * self.best)

    def _learn(self, now_ms: int) -> None:
        """Take the rate of a window that has ended, if it is the best one; forget the best one from time to time."""
        passed = now_ms - self.window_ms
        if passed < WINDOW_MS:
            return
        if passed < 2 * WINDOW_MS:  # else nobody looked: it says nothing
            self.best = max(self.best, self.pieces / passed)
        if now_ms - self.learnt_ms >= RELEARN_MS:
            self.learnt_ms, self.best = now_ms, 0.0
        self.window_ms, self.pieces = now_ms, 0
