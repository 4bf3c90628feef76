"""A connection between the two sides: frames in order, any delay; a cut loses a tail of each direction.

It runs over one of two paths, by the rules of `mirror/stream.py`: server 2 moves it to the other one, and what the
other side has not taken is sent again there.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twinset.mirror.stream import Stream

if TYPE_CHECKING:
    from random import Random

Frame = tuple[Any, ...]
NOWHERE = -1
CHOOSER = 1  # server 2


class Path:
    """One way: `queues[i]` holds what endpoint `i` has yet to read."""

    def __init__(self) -> None:
        self.queues: tuple[deque[Frame], deque[Frame]] = (deque(), deque())
        self.alive = True

    def lose_tails(self, rng: Random) -> None:
        """Break: each direction keeps a random head of what was on its way."""
        self.alive = False
        for queue in self.queues:
            keep = rng.randint(0, len(queue))
            while len(queue) > keep:
                queue.pop()


class Connection:
    """Both directions of a session. `bound[i]` is the path that endpoint `i` uses, NOWHERE while it changes."""

    def __init__(self) -> None:
        self.streams = (Stream(b"one"), Stream(b"one"))
        self.paths = (Path(), Path())
        self.bound = [0, 0]
        self.open = [True, True]
        self.dead = False
        self.changes = 0
        self.again = 0

    def send(self, sender: int, frame: Frame) -> None:
        """Queue a frame for the other endpoint; a dead connection swallows it."""
        if self.dead or not self.open[1 - sender]:
            return
        self.streams[sender].queue(frame)
        self._carry(sender, frame)

    def _carry(self, sender: int, frame: Frame) -> None:
        at = self.bound[sender]
        if at != NOWHERE and self.paths[at].alive:
            self.paths[at].queues[1 - sender].append((self.streams[sender].taken, frame))

    def waiting(self, endpoint: int) -> bool:
        """True when there is something to read."""
        return any(path.queues[endpoint] for path in self.paths)

    def take(self, endpoint: int) -> Frame | None:
        """Read the next frame; None for one that is not for the side, or when there is none."""
        stream = self.streams[endpoint]
        for at, path in enumerate(self.paths):
            if path.queues[endpoint]:
                acknowledged, frame = path.queues[endpoint].popleft()
                if frame[0] == "resume":
                    self._resumed(endpoint, at, *frame[1:])
                elif self.bound[endpoint] == at:
                    stream.take()
                    stream.acknowledge(acknowledged)
                    return frame  # type: ignore[no-any-return]
                return None
        return None

    def change(self) -> bool:
        """Server 2 moves the session to the other path, whatever happens to the one it has."""
        at = self.bound[CHOOSER]
        if at == NOWHERE or self.dead or not self.paths[1 - at].alive:
            return False
        stream = self.streams[CHOOSER]
        if not self.paths[at].alive:
            self.paths[at].queues[CHOOSER].clear()  # it closes the broken connection
        self.bound[CHOOSER] = NOWHERE
        stream.epoch += 1
        self.changes += 1
        self.paths[1 - at].queues[1 - CHOOSER].append((0, ("resume", stream.epoch, stream.taken)))
        return True

    def _resumed(self, endpoint: int, at: int, epoch: int, taken: int) -> None:
        stream = self.streams[endpoint]
        if endpoint != CHOOSER:
            old = self.bound[endpoint]
            if old != NOWHERE and not self.paths[old].alive:
                self.paths[old].queues[endpoint].clear()
            if self.paths[at].alive:
                self.paths[at].queues[CHOOSER].append((0, ("resume", epoch, stream.taken)))
        again = stream.resume(epoch, taken)
        self.bound[endpoint] = at
        self.again += len(again)
        for frame in again:
            self._carry(endpoint, frame)

    def cut_path(self, rng: Random, at: int) -> bool:
        """Break one path while the other one works."""
        if self.dead or not all(path.alive for path in self.paths) or NOWHERE in self.bound:
            return False
        self.paths[at].lose_tails(rng)
        return True

    def new_path(self) -> None:
        """Connect anew over a path that had broken, once both ends have left it."""
        for at, path in enumerate(self.paths):
            if not path.alive and NOWHERE not in self.bound and at not in self.bound and not self.dead:
                self.paths = (Path(), self.paths[1]) if at == 0 else (self.paths[0], Path())

    def leave(self, rng: Random, *, at_once: bool) -> None:
        """Server 2 moves the session when its path has broken, sooner or later."""
        at = self.bound[CHOOSER]
        if not self.dead and at != NOWHERE and not self.paths[at].alive and (at_once or rng.random() < 0.3):
            self.change()

    def cut(self, rng: Random) -> None:
        """Break the connection: each direction keeps a random head of what was on its way."""
        if self.dead:
            return
        self.dead = True
        for path in self.paths:
            path.lose_tails(rng)

    def close(self, endpoint: int, rng: Random) -> None:
        """Close one end: what it had not read is lost, what it sent arrives in part or whole."""
        if not self.open[endpoint]:
            return
        self.open[endpoint] = False
        for path in self.paths:
            path.queues[endpoint].clear()
        if not self.dead:
            self.dead = True
            for path in self.paths:
                path.alive = False
                queue = path.queues[1 - endpoint]
                keep = len(queue) if rng.random() < 0.5 else rng.randint(0, len(queue))
                while len(queue) > keep:
                    queue.pop()
