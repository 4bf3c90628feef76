"""How much of two servers a rebuild takes while clients work.

Theory of operation. A copy goes in *runs*: pieces that lie side by side, which the shell reads and writes by one
request of each disk. An ordinary disk is paid by the request, so a run costs its clients little more than one of
their own operations. When a run may begin:

1. Nobody has asked anything for QUIET_MS: a long run, and another while the first is on its way.
2. Clients are there, and the own disk had nothing of theirs for a good part of the last moments, nor has it now: a
   short run. What they leave idle is the rebuild's. Where runs make them wait the disk has something of theirs for
   longer, and the next runs come by rule 3: this finds the edge by itself.
3. The disk worked on something of theirs most of the time: a short run for every OPS_A_RUN of their operations,
4. and one every FLOOR_MS in any case: the floor rate, by which a rebuild ends under any load (4.1.4.2).

While clients are there one run at a time is read, in at most STRETCHES_BUSY stretches: so many requests of a disk is
what an operation of theirs waits for at most. While one run is written, the next one may be read.
"""

from __future__ import annotations

from typing import Final

QUIET_MS: Final = 100
BUSY_SHARE_MAX: Final = 0.6  # of the time, about the last BUSY_MS
BUSY_MS: Final = 250
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

    def room(self, now_ms: int, clients: int, work: int, inflight: int, reading: int) -> tuple[int, int]:
        """How many pieces may begin, in how many stretches at most.

        `clients`: their operations that the own disk had since the last look; `work`: those begun so far;
        `inflight`: pieces under way, `reading` of them still on the own disk.
        """
        if self.looked_ms >= 0:
            passed = min(1.0, (now_ms - self.looked_ms) / BUSY_MS)
            self.share += ((clients > 0) - self.share) * passed
        self.looked_ms = now_ms
        if clients or work != self.work:
            if self.work >= 0 or clients:
                self.seen_ms = now_ms
            self.work = work
        if now_ms - self.seen_ms >= QUIET_MS:
            return (self.long, self.long) if inflight <= self.long else NONE
        if reading or inflight > self.short:
            return NONE
        due = work - self.work_begun >= OPS_A_RUN or now_ms - self.begun_ms >= FLOOR_MS
        idle = not clients and self.share <= BUSY_SHARE_MAX
        return (self.short, STRETCHES_BUSY) if due or idle else NONE

    def begun(self, now_ms: int) -> None:
        """A run has begun."""
        self.begun_ms = now_ms
        self.work_begun = self.work
