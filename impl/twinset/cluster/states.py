"""The state tables of the cluster as a document: `python -m twinset.cluster.states > impl/docs/states.md`.

The document is generated so that it cannot say anything else than the code; a test fails when it is stale.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .groups import GROUP_STATES
from .membership import LIVENESS, PHASES, STATUS_OF, WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD = """# States of the cluster

Generated from the tables of `twinset.cluster` by `python -m twinset.cluster.states`; do not edit. Every pair
of a state and a trigger that is not listed does not occur: the code looks transitions up in these tables.
Clauses of the guide are in brackets.
"""

PHASES_TEXT = """## Phases of a server

A server is always in one phase; the status that operators see follows from it [6.2.5-04 to 6.2.5-07].
`starting` shows Od when the server had gone down before.
"""

TRIGGERS = {
    "start": "cluster startup: an operator on either server, or power-on after a cluster shutdown [6.2.5-11]",
    "formed": "both servers are there; the first server of the configuration forms the cluster",
    "alone": "the peer stayed silent for the startup wait (R7)",
    "admitted": "the operating peer holds this server as operating",
    "outvoted": "the peer operates and holds this server as down",
    "stop": "cluster shutdown [6.2.5-12]",
    "closed": "all groups are stopped and all mirrors closed",
    "stays": "it has left to be isolated for a snapshot or a backup, and goes on running [4.4-02]",
    "shutdown": "shutdown of this server alone [6.3-02]",
    "expelled": "the peer declared this server down, or this server cannot exclude it",
    "idle": "all groups are stopped",
    "return": "restoring to the cluster [6.2.5-15]",
    "refused": "the operating server did not admit this one",
}

LIVENESS_TEXT = """## Liveness of the peer

From heartbeats on all LANs alone. Time counts only while the observing server runs (R13).

`heard`: a newer heartbeat than any before was accepted. `timeout`: silence for the time-out, 3 s x 10
by default [9.1-03]. `waited`: silence for the time-out and the partition phase [9.1-04]; then an operating
server declares its peer down, unless it was itself without contact in a way that makes it doubt.
"""

GROUPS_TEXT = """## States of a failover group on a server

`refuse`: a start that cannot be tried (a mirror set was never created). `failed`: a start step other than
a disk failed; what was started is rolled back. A disk that cannot be activated is no failed step: the script
runs with ARMS_DISK=FAILURE [4.5.2-01]. `stop_error`: a stop step failed; nothing is started elsewhere.
`restart`: stop scripts and start scripts run again, everything else stays up [6.3-14].
"""


def render() -> str:
    """The document."""
    statuses = "".join(f"| {phase} | {status} | {WORDS[status]} |\n" for phase, status in STATUS_OF.items())
    triggers = "".join(f"- `{name}`: {text}\n" for name, text in TRIGGERS.items())
    return "\n".join(
        (
            HEAD,
            PHASES_TEXT,
            f"| phase | status | word |\n| --- | --- | --- |\n{statuses}",
            f"Triggers:\n\n{triggers}",
            _table(PHASES),
            _diagram(PHASES),
            LIVENESS_TEXT,
            _table(LIVENESS),
            _diagram(LIVENESS),
            GROUPS_TEXT,
            _table(GROUP_STATES),
            _diagram(GROUP_STATES).rstrip("\n"),
            "",
        )
    )


def _table(transitions: Mapping[tuple[str, str], str]) -> str:
    rows = "".join(
        f"| {before} | {trigger} | {after} |\n" for (before, trigger), after in transitions.items()
    )
    return f"| from | trigger | to |\n| --- | --- | --- |\n{rows}"


def _diagram(transitions: Mapping[tuple[str, str], str]) -> str:
    edges: dict[tuple[str, str], list[str]] = {}
    for (before, trigger), after in transitions.items():
        if before != after:
            edges.setdefault((before, after), []).append(trigger)
    lines = "".join(f"    {a} --> {b}: {', '.join(triggers)}\n" for (a, b), triggers in edges.items())
    return f"```mermaid\nstateDiagram-v2\n{lines}```\n"


def main() -> None:
    """Write the document to the standard output."""
    sys.stdout.write(render())


if __name__ == "__main__":
    main()
