"""A connection between the two sides: frames in order, any delay; a cut loses a tail of each direction."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

Frame = tuple[Any, ...]


class Connection:
    """Two queues. `queues[i]` holds what endpoint `i` has yet to read."""

    def __init__(self) -> None:
        self.queues: tuple[deque[Frame], deque[Frame]] = (deque(), deque())
        self.open = [True, True]
        self.dead = False

    def send(self, sender: int, frame: Frame) -> None:
        """Queue a frame for the other endpoint; a dead connection swallows it."""
        if not self.dead and self.open[1 - sender]:
            self.queues[1 - sender].append(frame)

    def cut(self, rng: Random) -> None:
        """Break the connection: each direction keeps a random head of what was on its way."""
        if self.dead:
            return
        self.dead = True
        for queue in self.queues:
            keep = rng.randint(0, len(queue))
            while len(queue) > keep:
                queue.pop()

    def close(self, endpoint: int, rng: Random) -> None:
        """Close one end: what it had not read is lost, what it sent arrives in part or whole."""
        if not self.open[endpoint]:
            return
        self.open[endpoint] = False
        self.queues[endpoint].clear()
        if not self.dead:
            self.dead = True
            queue = self.queues[1 - endpoint]
            keep = len(queue) if rng.random() < 0.5 else rng.randint(0, len(queue))
            while len(queue) > keep:
                queue.pop()
