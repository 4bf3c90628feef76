"""8.7: what the Mirror Disk Administrator may do while the cluster runs, and on servers that went down."""

from typing import Any

import pytest

from conformance.suite.cases import clause
from conformance.suite.errors import Refused
from conformance.suite.judge import Judge
from conformance.suite.pair import SERVERS, Pair

GROUP, SET = "db", "set1"
ONE, TWO = SERVERS
pytestmark = [pytest.mark.needs("mirror_functions"), pytest.mark.cluster("copies")]

# Each function with the clause of its row.
ROWS = {
    "mirror.cancel": "8.7-03",
    "mirror.create": "8.7-04",
    "mirror.forced_return": "8.7-06",
    "mirror.permit": "8.7-07",
    "mirror.restrict": "8.7-08",
    "mirror.forced_permit": "8.7-09",
}
ACCEPTED = "accepted"
Seen = dict[str, Any]


def answer(pair: Pair, op: str) -> str:
    """The class of error with which the port refuses the function on server 1, or that it carries it out."""
    where = {"source": ONE} if op == "mirror.create" else {} if op == "mirror.cancel" else {"server": ONE}
    try:
        pair.operate(op, set=SET, **where)
    except Refused as refused:
        return refused.code
    return ACCEPTED


def in_operation(pair: Pair) -> Seen:
    """Both servers operate: every function, with the disk active and then inactive."""
    seen: Seen = {"active": {op: answer(pair, op) for op in ROWS}}
    pair.operate("group.stop", group=GROUP)
    pair.wait_place(GROUP, None)
    seen["inactive"] = {op: answer(pair, op) for op in ROWS}
    pair.operate("group.start", group=GROUP)
    seen["after"] = pair.wait_place(GROUP, ONE).sets[SET]["state"]
    return seen


def restarted(pair: Pair) -> Seen:
    """Server 1 is restarted after it went down, server 2 operates; then both are restarted."""
    pair.spoil()
    pair.crash(ONE)
    pair.wait_place(GROUP, TWO)
    pair.operate("group.stop", group=GROUP)
    pair.power_on(ONE)
    pair.wait(lambda s: s.servers == {ONE: "Od", TWO: "O"}, "server 1 to be isolated", seen_by=TWO)
    beside = ("mirror.cancel", "mirror.create", "mirror.forced_return", "mirror.permit")
    seen: Seen = {"one": {op: answer(pair, op) for op in beside}}
    pair.until_accepted("mirror.forced_permit", set=SET, server=ONE)
    seen["served by force"] = pair.served(GROUP, ONE)
    seen["restrict"] = answer(pair, "mirror.restrict")
    seen["served after restrict"] = pair.served(GROUP, ONE)
    pair.crash(TWO)
    pair.power_on(TWO)
    for server in SERVERS:
        pair.wait(lambda s: set(s.servers.values()) == {"Od"}, "both servers to be restarted", seen_by=server)
    pair.until_accepted("mirror.forced_return", set=SET, server=ONE)
    pair.until_accepted("cluster.start")
    pair.wait(lambda s: set(s.servers.values()) == {"O"}, "both servers to be O")
    seen["after forced return"] = pair.wait_set(SET, "NORMAL").sets[SET]["state"]
    return seen


def judge_refused(judge: Judge, seen: Seen, *ops: str) -> None:
    """Each of the functions was refused in both situations."""
    for op in ops:
        for situation in ("active", "inactive"):
            judge.equal(ROWS[op], f"{op}, disk {situation}", expected="E_STATE", observed=seen[situation][op])


@clause("8.7-03", "8.7-04", "8.7-06")
def test_no_set_is_changed_beside_a_running_disk(pair: Pair, judge: Judge) -> None:
    """On servers that operate, cancelling, creating and forced return are refused, the disk active or inactive."""
    seen = pair.remembered("8.7 in operation", in_operation)
    judge_refused(judge, seen, "mirror.cancel", "mirror.create", "mirror.forced_return")


@clause("8.7-07", "8.7-08", "8.7-09")
def test_no_access_is_given_beside_a_running_disk(pair: Pair, judge: Judge) -> None:
    """On servers that operate, permit, restrict and forced permit are refused, the disk active or inactive."""
    seen = pair.remembered("8.7 in operation", in_operation)
    judge_refused(judge, seen, "mirror.permit", "mirror.restrict", "mirror.forced_permit")


@clause("8.7-01")
def test_the_functions_are_restricted_while_the_cluster_runs(pair: Pair, judge: Judge) -> None:
    """Refusing all of them leaves a set that is normal."""
    seen = pair.remembered("8.7 in operation", in_operation)
    judge.equal("8.7-01", "the set after all refusals", expected="NORMAL", observed=seen["after"])


@pytest.mark.spoils
@clause("8.7-03", "8.7-05", "8.7-02")
def test_created_anew_only_when_both_servers_were_restarted(pair: Pair, judge: Judge) -> None:
    """Beside a server that operates, creation and forced return are refused; with both restarted it is done."""
    seen = pair.remembered("8.7 restarted", restarted)
    for op, row in (
        ("mirror.cancel", "8.7-03"),
        ("mirror.create", "8.7-05"),
        ("mirror.forced_return", "8.7-05"),
    ):
        judge.equal(row, f"{op} beside a server that operates", expected="E_STATE", observed=seen["one"][op])
    done = seen["after forced return"]
    judge.equal("8.7-05", "forced return, both restarted", expected="NORMAL", observed=done)
    asked = {*seen["one"], "mirror.restrict", "mirror.forced_permit"}
    judge.equal("8.7-02", "functions that a restarted server answers", expected=set(ROWS), observed=asked)


@pytest.mark.spoils
@clause("8.7-07", "8.7-08", "8.7-09")
def test_access_to_a_restarted_server(pair: Pair, judge: Judge) -> None:
    """Outdated data on a server that was restarted is accessible by force only, until the access is withdrawn."""
    seen = pair.remembered("8.7 restarted", restarted)
    plain = seen["one"]["mirror.permit"]
    judge.equal("8.7-07", "plain permit of stale data", expected="E_STATE", observed=plain)
    judge.holds("8.7-09", "served by force", seen["served by force"], seen["served by force"])
    judge.equal("8.7-08", "restrict", expected=ACCEPTED, observed=seen["restrict"])
    after = seen["served after restrict"]
    judge.holds("8.7-08", "not served afterwards", not after, after)
