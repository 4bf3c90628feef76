"""4.5.1: a server with less memory than its mirror sets need."""

import pytest

from conformance.suite import clusters
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import SERVERS, Pair, Snapshot
from conformance.suite.refusals import refusal

GROUP, SET = "db", "set1"
ONE, TWO = SERVERS
LESS_MIB = 40  # than the formula asks for


def whole(seen: Snapshot) -> bool:
    """Both servers operate, and their set is normal."""
    return set(seen.servers.values()) == {"O"} and seen.sets.get(SET, {}).get("state") == "NORMAL"


@pytest.mark.spoils
@pytest.mark.needs("memory_limits")
@pytest.mark.cluster("memory")
@clause("4.5.1-01")
def test_with_too_little_memory_a_server_may_not_start(pair: Pair, judge: Judge) -> None:
    """Started with less memory than the formula says, server 2 does not become a mirror of server 1, which goes on;
    started with enough, it does.
    """
    pair.wait_place(GROUP, ONE)
    pair.spoil()
    pair.crash(TWO)
    pair.wait(lambda s: s.servers[TWO] == "Xd", "server 2 to be lost", seen_by=ONE)
    need_mib = clusters.MEMORY_KIB >> 10
    pair.power_on(TWO, memory_mib=need_mib - LESS_MIB)
    pair.wait(lambda s: s.servers[TWO] != "Xd", "server 2 to be heard", seen_by=ONE)
    refusal(pair, "server.return", server=TWO)
    seen = pair.settle(lambda s: not whole(s), seen_by=ONE)
    judge.holds(
        "4.5.1-01", f"{LESS_MIB} MiB too little: no mirror", not whole(seen), (seen.servers, seen.sets)
    )
    judge.equal("4.5.1-01", "the group goes on", expected=ONE, observed=seen.place(GROUP))
    pair.crash(TWO)
    pair.wait(lambda s: s.servers[TWO] == "Xd", "server 2 to be lost", seen_by=ONE)
    pair.power_on(TWO)
    pair.wait(lambda s: s.servers[TWO] == "Od", "server 2 to be Od", seen_by=ONE)
    pair.operate("server.return", server=TWO)
    seen = pair.wait(whole, "the mirror to be whole", seen_by=ONE)
    judge.holds("4.5.1-01", "with enough it starts", whole(seen), (seen.servers, seen.sets))
