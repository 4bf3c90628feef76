"""2.2.1: what becomes of the data when the two servers cannot see each other."""

from typing import Any

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import SERVERS, Pair, Snapshot

GROUP, SET = "db", "set1"
ONE, TWO = SERVERS
WORKING = ("NORMAL", "RECONSTRUCTING", "UNDER_CONSTRUCTION")
Seen = dict[str, Any]


def goes_on_alone(pair: Pair, server: str, other: str) -> str | None:
    """The server misses the other one and runs the group itself; where it sees the group."""

    def alone(seen: Snapshot) -> bool:
        return seen.servers[other] == "Xd" and seen.place(GROUP) == server

    return pair.wait(alone, f"{server} to go on without {other}", seen_by=server).place(GROUP)


def observed(pair: Pair) -> Seen:
    """Every network is cut until both servers have written their copy, then healed; later an operator decides."""
    pair.spoil()
    pair.wait_set(SET, "NORMAL")
    for network in pair.provisioned["networks"]:
        pair.adapter.request("link", {"network": network["name"], "action": "cut"})
    alone = [goes_on_alone(pair, server, other) for server, other in ((ONE, TWO), (TWO, ONE))]
    sums = {server: pair.write_file(GROUP, server, f"only-{server}") for server in SERVERS}
    since = pair.events_now()
    pair.adapter.request("link", {"action": "heal"})
    seen: Seen = {"states": {}, "copies": [], "alone": alone}
    for server in SERVERS:
        told = pair.wait(
            lambda s: s.sets[SET]["state"] not in WORKING, "the set not to be normal", seen_by=server
        )
        seen["states"][server] = told.sets[SET]["state"]
    pair.settle(lambda s: s.sets.get(SET, {}).get("state") not in WORKING)
    seen["later"] = {server: pair.status(server).sets[SET]["state"] for server in SERVERS}
    seen["copied"] = [event for event in pair.events(since) if event["kind"] == "full_copy"]
    seen["equal"] = len(set(pair.see.copies(SET).values())) == 1
    if pair.status().place(GROUP) is not None:
        pair.operate("group.stop", group=GROUP)
    pair.until_accepted("mirror.create", set=SET, source=TWO)
    seen["decided"] = pair.wait_set(SET, "NORMAL").sets[SET]["state"]
    pair.until_accepted("group.start", group=GROUP, server=TWO)
    pair.wait_place(GROUP, TWO)
    seen["sums"] = sums
    seen["found"] = {server: _looked_at(pair, f"only-{server}", sums[server]) for server in SERVERS}
    return seen


def _looked_at(pair: Pair, name: str, written: str) -> str:
    """The checksum of a file on server 2; when it is another than the one written, what is there instead."""
    found = pair.checksum(GROUP, TWO, name)
    if found == written:
        return found
    path = f"{pair.access(GROUP, TWO)['mount']}/{name}"
    again = "echo 1 > /proc/sys/vm/drop_caches; sha256sum $0"
    lines = "od -An -v -tx1 -w32 $0 | sort | uniq -c | sort -rn | head -n 3"
    ran = pair.see.run(TWO, ["sh", "-c", f"ls -la $0; {again}; {again}; {lines}", path])
    return f"{found}; {ran.stdout} {ran.stderr}"


@pytest.mark.spoils
@pytest.mark.cluster("copies")
@pytest.mark.needs("both_go_on")
@clause("2.2.1-11", "4.2.3-01")
def test_the_data_of_two_sides_that_were_both_written_is_recovered_by_a_person(
    pair: Pair, judge: Judge
) -> None:
    """With every network cut no CLUSTER partition arbitrates, and both servers serve. Afterwards no side is picked or
    merged; an operator names the good one.
    """
    seen = observed(pair)
    judge.equal("4.2.3-01", "where each server has the group", expected=[ONE, TWO], observed=seen["alone"])
    for server in SERVERS:
        state = seen["later"][server]
        judge.holds(
            "2.2.1-11",
            f"not normal on {server}, {seen['states'][server]} at first",
            state not in WORKING,
            state,
        )
    judge.equal("2.2.1-11", "copies announced by then", expected=[], observed=seen["copied"])
    judge.holds("2.2.1-11", "the copies differ still", not seen["equal"], seen["equal"])
    judge.equal("2.2.1-11", "after an operator named server 2", expected="NORMAL", observed=seen["decided"])
    kept, gone = (f"{seen['found'][server]}, written {seen['sums'][server]}" for server in (TWO, ONE))
    judge.holds("2.2.1-11", "what server 2 wrote is there", seen["found"][TWO] == seen["sums"][TWO], kept)
    merged = seen["found"][ONE] == seen["sums"][ONE]
    judge.holds("2.2.1-11", "what server 1 wrote is not merged into it", not merged, gone)
