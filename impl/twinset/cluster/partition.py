"""What happens when two servers that had declared each other down hear each other again.

Only a total partition leads here. Nothing is resolved silently (2.2.1-11, promise 8): both servers log what
they found. Both first freeze their decisions and exchange what runs; from the two frozen lists both compute
the same verdict:

1. Groups that run on both: both stop them; their mirror sets are DIVERGED, serve nobody, and an operator names the good
   side. A named preferred survivor keeps those without a mirror disk: no name makes one side's data the right one.
2. No group runs on both, and exactly one server runs groups: the other one is the one that was down; it
   becomes isolated (Od) and can be returned.
3. Otherwise both operate again, each with the groups it runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Healing:
    """The verdict for this server."""

    double: frozenset[str]  # groups that run on both servers
    kept: frozenset[str]  # of these, what the preferred survivor goes on with
    stop: frozenset[str]  # and what this server stops
    isolate_me: bool
    isolate_peer: bool


def resolve(
    me: str,
    mine: frozenset[str],
    theirs: frozenset[str],
    preferred: str = "",
    mirrored: frozenset[str] = frozenset(),
) -> Healing:
    """The verdict of server `me`, which runs `mine`, about the peer, which runs `theirs`.

    `mirrored` are the groups with mirror disks.
    """
    double = mine & theirs
    if double:
        kept = double - mirrored if preferred else frozenset()
        stop = double - kept if preferred == me else double
        return Healing(double, kept, stop, isolate_me=False, isolate_peer=False)
    return Healing(
        double,
        frozenset(),
        frozenset(),
        isolate_me=bool(theirs and not mine),
        isolate_peer=bool(mine and not theirs),
    )
