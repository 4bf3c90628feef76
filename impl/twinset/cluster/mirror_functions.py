"""What the Mirror Disk Administrator may do in which situation: the table of 8.7 as data, and its judgement.

Columns. The guide has three: the switch-mirror disk of the set is `active` or `inactive` on a server that
operates (O), and `restarted`: the server is back after it went down (Od). Two more follow from what it says
around the table: with the cluster software stopped (X) nothing of it applies [8.7-01], and neither to a set
that is not registered as a switch-mirror disk, which is to say used by no group [8.7-03, 8.7-04].

The guide's merged cells are read as in its catalogue of clauses: "Not executable" spans active and inactive
from forced return down, the condition on both servers spans create and forced return [8.7-02].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from twinset.errors import Refusal

from . import report
from .groups import INACTIVE, RUNS_DOWN, RUNS_UP, START_FAILED
from .membership import EXPELLED, ISOLATED, LEAVING, LEFT, MEMBER, STOPPED
from .outcomes import NotYet

if TYPE_CHECKING:
    from .server import Cluster
    from .view import GroupView

CANCEL, CREATE, FORCED_RETURN = "cancel", "create", "forced-return"
PERMIT, RESTRICT, FORCED_PERMIT = "permit", "restrict", "forced-permit"
FUNCTIONS: Final = (CANCEL, CREATE, FORCED_RETURN, PERMIT, RESTRICT, FORCED_PERMIT)

ACTIVE, DISK_INACTIVE, RESTARTED = "active", "inactive", "restarted"
CLUSTER_STOPPED, UNREGISTERED = "stopped", "unregistered"
SITUATIONS: Final = (ACTIVE, DISK_INACTIVE, RESTARTED, CLUSTER_STOPPED, UNREGISTERED)

NO, YES, BOTH, UNLESS_WORKING = "no", "yes", "both restarted", "not while it works"

# States of a set that no group can run on as a whole: it does not "work as a switch-mirror disk" [8.7-04].
NOT_WORKING: Final = frozenset({"UNREGISTERED", "UNDECIDED", "DIVERGED", "ISOLATED", "UNDER_CONSTRUCTION"})
AT_REST: Final = frozenset({INACTIVE, START_FAILED})


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: the rule, and the clause it comes from."""

    rule: str
    clause: str


def _row(
    clause: str, active: str, inactive: str, restarted: Cell, stopped: Cell, free: str
) -> tuple[Cell, Cell, Cell, Cell, Cell]:
    return Cell(active, clause), Cell(inactive, clause), restarted, stopped, Cell(YES, free)


_FREE = Cell(YES, "8.7-01")
_BOTH = Cell(BOTH, "8.7-05")

TABLE: Final[dict[str, tuple[Cell, Cell, Cell, Cell, Cell]]] = {
    #                       active, inactive, restarted, stopped, unregistered
    CANCEL: _row("8.7-03", NO, NO, Cell(NO, "8.7-03"), Cell(NO, "8.3-02"), "8.7-03"),
    CREATE: _row("8.7-04", NO, UNLESS_WORKING, _BOTH, _FREE, "8.7-04"),
    FORCED_RETURN: _row("8.7-06", NO, NO, _BOTH, _FREE, "8.7-06"),
    PERMIT: _row("8.7-07", NO, NO, Cell(YES, "8.7-07"), _FREE, "8.7-07"),
    RESTRICT: _row("8.7-08", NO, NO, Cell(YES, "8.7-08"), _FREE, "8.7-08"),
    FORCED_PERMIT: _row("8.7-09", NO, NO, Cell(YES, "8.7-09"), _FREE, "8.7-09"),
}


def cell(function: str, situation: str) -> Cell:
    """Look up the table."""
    return TABLE[function][SITUATIONS.index(situation)]


def group_of(cluster: Cluster, name: str) -> GroupView | None:
    """The group whose switch-mirror disk the set is; None when it is registered nowhere."""
    return next((group for group in cluster.view.groups if name in group.sets), None)


def busy_group(cluster: Cluster, name: str) -> str:
    """The group of the set when it is in operation on either server, else ""."""
    group = group_of(cluster, name)
    return group.name if group is not None and not _states(cluster, group.name) <= AT_REST else ""


def _states(cluster: Cluster, group: str) -> set[str]:
    told = cluster.told.runs.get(group, {}) if cluster.peer_reachable else {}
    return {cluster.runs[group].state, str(told.get("state", INACTIVE))}


def situation(cluster: Cluster, name: str) -> str:
    """The column of the table for a set on this server now; "" while the server is on its way elsewhere."""
    phase = cluster.phase
    if phase not in (MEMBER, ISOLATED, STOPPED):
        return ""
    if group_of(cluster, name) is None:
        return UNREGISTERED
    if phase == MEMBER:
        return ACTIVE if busy_group(cluster, name) else DISK_INACTIVE
    return RESTARTED if phase == ISOLATED else CLUSTER_STOPPED


def require(cluster: Cluster, name: str, function: str) -> str:
    """Raise Refusal with state, clause and what helps unless the function may be executed; return the column."""
    what = f"mirror {function} {name}"
    column = situation(cluster, name)
    if not column:
        for_good = cluster.phase in (EXPELLED, LEAVING, LEFT)
        raise (Refusal if for_good else NotYet)(
            "E_STATE", f"{what}: {cluster.me} is {cluster.phase}", "8.7-01", "twinset cluster status"
        )
    found = cell(function, column)
    if found.rule == NO or (found.rule == UNLESS_WORKING and _works(cluster, name)):
        raise _refusal(cluster, name, function, column, found.clause)
    if found.rule == BOTH and cluster.peer_reachable and cluster.life.peer_status == "O":
        raise Refusal(
            "E_STATE",
            f"{what}: {cluster.peer} operates; both servers must have been restarted after they went down",
            found.clause,
            f"twinset server return {cluster.me}",
        )
    return column


def _works(cluster: Cluster, name: str) -> bool:
    return report.set_state(cluster, name) not in NOT_WORKING


def _refusal(cluster: Cluster, name: str, function: str, column: str, clause: str) -> Refusal:
    """Say which state forbids the function."""
    what, group = f"mirror {function} {name}", group_of(cluster, name)
    assert group is not None  # nothing is forbidden to an unregistered set
    if function == CANCEL:
        text = f"{what}: it is the switch-mirror disk of group {group.name}"
        return Refusal("E_STATE", text, clause, "take it out of the group: twinset cluster create FILE")
    if column == ACTIVE:
        passes = _states(cluster, group.name) <= {*AT_REST, RUNS_UP, RUNS_DOWN}
        text = f"{what}: its group {group.name} is in operation"
        stops = f"twinset group stop {group.name}" if function == CREATE else "twinset cluster stop"
        return (NotYet if passes and function == CREATE else Refusal)("E_STATE", text, clause, stops)
    if function == CREATE:
        text = f"{what}: it is {report.set_state(cluster, name)}"
        text += "; a set of two good or recoverable sides is rebuilt by the return"
        return Refusal("E_STATE", text, clause, "twinset mirror status")
    text = f"{what}: {cluster.me} operates, where only groups give access to a switch-mirror disk"
    return Refusal("E_STATE", text, clause, "twinset cluster stop")


def allowed(cluster: Cluster, name: str) -> dict[str, dict[str, str | bool]]:
    """Every function with whether it may be executed on this server now, and why not."""
    found: dict[str, dict[str, str | bool]] = {}
    for function in FUNCTIONS:
        try:
            column = require(cluster, name, function)
        except Refusal as refusal:
            reason = refusal.message.partition(": ")[2]
            found[function] = {
                "allowed": False,
                "reason": reason,
                "clause": refusal.clause,
                "help": refusal.help,
            }
        else:
            clause = cell(function, column).clause
            found[function] = {"allowed": True, "reason": "", "clause": clause, "help": ""}
    return found
