"""The failover walk-through of 6.2.5 as data: the pictures, and the numbered arrows between them.

The numbers of the guide label arrows of a state diagram, not one sequence: (2) stops the cluster and (3) is a
crash of a running server, so (3) cannot follow (2). With the policies A = [server 1, server 2] and
B = [server 2, server 1] these pictures suffice; P0 to P5 carry the guide's arrows, P6 and P7 lead back.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

O, X, XD, OD = "O", "X", "Xd", "Od"  # noqa: E741 - the guide's symbol
SERVER1, SERVER2 = "server1", "server2"


@dataclass(frozen=True)
class Picture:
    """One stable state: the symbol of each server, and where groups A and B are active (None: nowhere)."""

    name: str
    server1: str
    server2: str
    a: str | None
    b: str | None

    @property
    def facts(self) -> tuple[str, str, str | None, str | None]:
        """What a snapshot is compared with."""
        return (self.server1, self.server2, self.a, self.b)


PICTURES: Mapping[str, Picture] = {
    picture.name: picture
    for picture in (
        Picture("P0", X, X, None, None),
        Picture("P1", O, O, SERVER1, SERVER2),
        Picture("P2", XD, O, SERVER2, SERVER2),
        Picture("P3", OD, O, SERVER2, SERVER2),
        Picture("P4", O, O, SERVER2, SERVER2),
        Picture("P5", O, XD, SERVER1, SERVER1),
        Picture("P6", O, OD, SERVER1, SERVER1),
        Picture("P7", O, O, SERVER1, SERVER1),
    )
}


@dataclass(frozen=True)
class Arrow:
    """One event that leads from picture to picture."""

    name: str
    source: str
    event: str  # a word of EVENTS in walk.py
    subject: str
    target: str


_BOTH = (
    Arrow("1", "P0", "cluster-start", "", "P1"),
    Arrow("2", "P1", "cluster-stop", "", "P0"),
    Arrow("3", "P1", "crash", SERVER1, "P2"),
    Arrow("4", "P2", "power-on", SERVER1, "P3"),
    Arrow("6", "P4", "cluster-stop", "", "P0"),
    Arrow("7", "P4", "move-to-server1", "A", "P1"),
    Arrow("8", "P1", "crash", SERVER2, "P5"),
    Arrow("9", "P4", "crash", SERVER2, "P5"),
    # Not numbered in the guide: the way back from P5, and the move that leaves P1.
    Arrow("on2", "P5", "power-on", SERVER2, "P6"),
    Arrow("away", "P1", "move-to-server2", "A", "P4"),
    Arrow("stop7", "P7", "cluster-stop", "", "P0"),
    Arrow("home2", "P7", "move-to-server2", "B", "P1"),
)
ARROWS: Mapping[str, tuple[Arrow, ...]] = {
    "NO": (
        *_BOTH,
        Arrow("5", "P3", "return", SERVER1, "P4"),
        Arrow("back2", "P6", "return", SERVER2, "P7"),
    ),
    # With failback YES the return ends in P1: A (or B) goes home by itself once its data is the latest there.
    "YES": (
        *_BOTH,
        Arrow("5", "P3", "return", SERVER1, "P1"),
        Arrow("back2", "P6", "return", SERVER2, "P1"),
    ),
}


def arrow(failback: str, name: str) -> Arrow:
    """The arrow of that name."""
    return next(arrow for arrow in ARROWS[failback] if arrow.name == name)


def picture_of(facts: tuple[str, str, str | None, str | None]) -> Picture | None:
    """The picture a snapshot shows, if it is a stable one."""
    return next((picture for picture in PICTURES.values() if picture.facts == facts), None)


def route(failback: str, source: str, target: str) -> list[Arrow] | None:
    """The fewest arrows from one picture to another, found breadth first; None when there is no way."""
    ways: deque[tuple[str, list[Arrow]]] = deque([(source, [])])
    seen = {source}
    while ways:
        at, way = ways.popleft()
        if at == target:
            return way
        for each in ARROWS[failback]:
            if each.source == at and each.target not in seen:
                seen.add(each.target)
                ways.append((each.target, [*way, each]))
    return None
