"""How redundant the cluster is now, and which single next fault would hurt: read off a status, decided here only.

A fault loses data when it takes the only latest copy; it stops a service when nothing could take the service
over; it lets both servers act when it cuts the last network between them (no cluster of two servers without a third
party can rule that out: 4.2.3-01). What is said is about this moment, from what this server knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .groups import INACTIVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .view import ClusterView

LOSES_DATA, STOPS_SERVICE, PARTITION = "loses data", "stops the service", "lets both servers act"


def assessment(status: Mapping[str, Any], view: ClusterView, lans_up: Sequence[str]) -> dict[str, Any]:
    """Return what holds now.

    `redundant`: no single fault loses data or stops a service. `next_faults`: each a fault with what it does, the
    worst first; empty when redundant. `lans_up` are the networks on which the other server is heard.
    """
    me = str(status["this_server"])
    peer = next(name for name in status["servers"] if name != me)
    both = all(server["status"] == "O" for server in status["servers"].values())
    faults = [
        *_data(status),
        *_service(status, view, both=both),
        *_networks(lans_up, view.lans, peer, both=both),
    ]
    return {"redundant": not any(each["does"] != PARTITION for each in faults), "next_faults": faults}


def _fault(fault: str, does: str, why: str) -> dict[str, str]:
    return {"fault": fault, "does": does, "why": why}


def _data(status: Mapping[str, Any]) -> list[dict[str, str]]:
    found = []
    for name, row in status["mirror_sets"].items():
        state = str(row["state"])
        if state in ("NORMAL", "UNREGISTERED"):
            continue
        holder = row.get("active_server") or row.get("latest")
        if state in ("DIVERGED", "UNDECIDED") or holder is None:
            fault = f"the loss of either disk of mirror set {name}"
            why = f"it is {state}: which side is right has not been said"
        else:
            fault = f"the loss of the disk of mirror set {name} on {holder}"
            why = f"it is {state}: only {holder} has the latest data"
        found.append(_fault(fault, LOSES_DATA, why))
    return found


def _service(status: Mapping[str, Any], view: ClusterView, *, both: bool) -> list[dict[str, str]]:
    found = []
    for group in view.groups:
        row = status["groups"][group.name]
        server = row.get("server")
        if row.get("state") == INACTIVE or not server:
            continue
        sets = [name for name in group.sets if status["mirror_sets"][name]["state"] != "NORMAL"]
        if not both:
            why = "the other server does not operate"
        elif sets:
            why = f"mirror set {sets[0]} is not NORMAL, so the other server has no latest data to start with"
        elif len(group.policy) < len(view.servers):
            why = "the other server is not in its failover policy"
        else:
            continue
        found.append(_fault(f"the loss of {server}", STOPS_SERVICE, f"group {group.name}: {why}"))
    return found


def _networks(lans_up: Sequence[str], lans: Sequence[str], peer: str, *, both: bool) -> list[dict[str, str]]:
    if not both or len(lans_up) != 1:
        return []
    lost = [lan for lan in lans if lan not in lans_up]
    why = f"{peer} is heard on no other network" + (f" ({', '.join(lost)}: nothing)" if lost else "")
    return [_fault(f"the loss of LAN {lans_up[0]}", PARTITION, why)]
