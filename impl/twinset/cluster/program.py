"""The peer's program: its release and its features, and what waits until both servers have them (AUX-01).

What an older core would not understand, a message of a new kind or a request that it would have to carry out, belongs
to a *feature*. Every state message names the features of its sender's program; what belongs to one is used only
while both have it. So servers are upgraded one after the other, and what only the newer one can do begins when the
older one has followed. Unknown names and fields are ignored; which versions can talk at all: `wire/versions.py`.

Features: `leaving`: a server that leaves in order says why. `latency`: a request to sample latencies is passed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from twinset import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .server import Cluster

LEAVING: Final = "leaving"
LATENCY: Final = "latency"
RELEASE_MAX: Final = 64
FEATURES_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Program:
    """What a server says of its program; the first ones said nothing."""

    release: str = ""
    features: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """As it travels."""
        return {"release": self.release, "features": sorted(self.features)}


OWN: Final = Program(__version__, frozenset({LEAVING, LATENCY}))


def both_can(cluster: Cluster, feature: str) -> bool:
    """True while the programs of both servers have a feature."""
    return feature in OWN.features and feature in cluster.told.program.features


def hear(cluster: Cluster, said: Mapping[str, Any]) -> None:
    """Take what a state message says of the peer's program; tell when two programs begin or end to differ."""
    features = [str(each)[:RELEASE_MAX] for each in list(said.get("features", ()))[:FEATURES_MAX]]
    theirs = Program(str(said.get("release", ""))[:RELEASE_MAX], frozenset(features))
    cluster.told.program = theirs
    before, cluster.heard_program = cluster.heard_program, theirs
    if theirs == before:
        return
    if theirs != OWN:
        cluster.log(
            "versions_differ",
            "warning",
            here=OWN.release,
            there=theirs.release or "a release that does not say",
            waits=sorted(OWN.features ^ theirs.features),
        )
    elif before is not None:
        cluster.log("versions_equal", release=OWN.release)


def status(cluster: Cluster) -> dict[str, Any]:
    """The release of each server's program, "" while it is not known, and what waits until both have it."""
    theirs = cluster.heard_program
    waits = [] if theirs is None else sorted(OWN.features ^ theirs.features)
    return {
        "releases": {cluster.me: OWN.release, cluster.peer: theirs.release if theirs else ""},
        "differ": theirs is not None and theirs != OWN,
        "waits": waits,
    }
