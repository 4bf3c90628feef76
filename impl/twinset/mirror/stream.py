"""The frames of one session, numbered in each direction, whatever connection carries them (R11).

A session outlives the connection it runs over when the two servers have another one: both sides tell how many
frames they have taken, and what the other side has not taken is sent again over the new connection, in order.
Nothing is lost and nothing is taken twice, so the core above notices nothing and nothing has to be copied.

Rules:
1. The frames themselves carry no number: a connection keeps their order, and at the change both sides count anew
   from what the other one has taken.
2. A frame is counted as taken before it is acted upon: a connection that breaks meanwhile does not bring it twice.
3. A frame is kept until the other side has taken it. An operation ends only after its frame was taken, so its
   memory may be used again then.
4. Every change has an epoch of its own, one higher than the last: what still arrives over a connection that is not
   the one of the newest epoch is dropped.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from twinset.errors import ProtocolError


class Stream:
    """What one side has sent and taken in a session. `identity` is known to the two sides of the session alone."""

    def __init__(self, identity: bytes) -> None:
        self.identity = identity
        self.epoch = 1
        self.sent = 0
        self.acknowledged = 0
        self.taken = 0
        self.log: deque[Any] = deque()  # the frames from `acknowledged` to `sent`

    def queue(self, frame: Any) -> None:
        """Count and keep a frame that goes out."""
        self.sent += 1
        self.log.append(frame)

    def take(self) -> None:
        """Count a frame that came in, before anything is done with it."""
        self.taken += 1

    def acknowledge(self, count: int) -> None:
        """The other side has taken `count` frames; an older word than the last one changes nothing.

        Raises ProtocolError for more frames than were sent.
        """
        if count > self.sent:
            raise ProtocolError(f"{count} frames were taken there, {self.sent} were sent")
        log = self.log
        while self.acknowledged < count:
            self.acknowledged += 1
            log.popleft()

    def resume(self, epoch: int, count: int) -> list[Any]:
        """Go on over another connection; return the frames that the other side, which took `count`, needs again.

        Raises ProtocolError for a count that cannot be.
        """
        if count < self.acknowledged:
            raise ProtocolError(f"{count} frames were taken there, after {self.acknowledged}")
        self.acknowledge(count)
        self.epoch = epoch
        return list(self.log)
