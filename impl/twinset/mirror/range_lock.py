"""Order among operations on the same bytes: a later one starts when the earlier ones have ended.

Both sides end with the same bytes only if overlapping operations reach both disks in one order. Who has to
wait is registered at once, so nobody is overtaken for ever: also a copy of a hot extent gets its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .operations import COPY, Op

if TYPE_CHECKING:
    from collections.abc import Collection


class RangeLock:
    """The operations that hold or wait for a range, by extent."""

    def __init__(self) -> None:
        self.extents: dict[int, list[Op]] = {}

    def lock(self, op: Op) -> bool:
        """Register an operation whose extents are set; true when nothing is in its way."""
        first, last, extents = op.first, op.last, self.extents
        if first == last and first not in extents:
            extents[first] = [op]
            return True
        for extent in range(first, last + 1):
            others = extents.setdefault(extent, [])
            for other in others:
                if _overlap(op, other):
                    _wait_for(op, other)
            others.append(op)
        return not op.blockers

    def unlock(self, op: Op) -> Collection[Op]:
        """Take out an operation that has ended; return the ones that nothing blocks any more."""
        extents = self.extents
        for extent in range(op.first, op.last + 1):
            others = extents[extent]
            if len(others) == 1:
                del extents[extent]
            else:
                others.remove(op)
        if op.waiters is None:
            return ()
        for waiter in op.waiters:
            waiter.blockers -= 1
        return [waiter for waiter in op.waiters if not waiter.blockers]

    def holds(self, op: Op) -> bool:
        """Tell whether an operation holds a range or waits for one."""
        return op in self.extents.get(op.first, ())

    def operations(self) -> list[Op]:
        """Return every operation that holds or waits, each once."""
        return list({id(op): op for ops in self.extents.values() for op in ops}.values())

    def __bool__(self) -> bool:
        return bool(self.extents)


def _wait_for(op: Op, other: Op) -> None:
    if other.waiters is None:
        other.waiters = [op]
    elif other.waiters[-1] is not op:
        other.waiters.append(op)
    else:  # they share two extents: counted already
        return
    op.blockers += 1


def _overlap(one: Op, other: Op) -> bool:
    """Tell whether two operations have to be ordered; a copy covers its whole extents."""
    if (one.kind == COPY) != (other.kind == COPY):
        return True
    return one.offset < other.offset + other.length and other.offset < one.offset + one.length
