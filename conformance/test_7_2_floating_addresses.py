"""7.2: what a floating IP address is good for."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.moved import AWAY, HOME, moved
from conformance.suite.pair import Pair

mirrored = pytest.mark.cluster("copies")


@mirrored
@clause("7.2-04", "7.2-06", "7.2.6-06")
def test_a_client_reaches_the_group_before_and_after_a_move(pair: Pair, judge: Judge) -> None:
    """The client connects by one address, and by the same one after the move, though another server answers."""
    seen = moved(pair)
    judge.equal("7.2-04", f"{seen.fip} answers", expected=True, observed=seen.before.reached_from["client"])
    owners = (seen.before.owner, seen.after.owner)
    judge.equal("7.2-06", "who answers, before and after", expected=(HOME, AWAY), observed=owners)
    judge.equal("7.2-06", "it still answers", expected=True, observed=seen.after.reached_from["client"])


@mirrored
@clause("7.2-05", "7.2.5-01")
def test_the_servers_use_it_between_them(pair: Pair, judge: Judge) -> None:
    """From the active server and from the other one the address answers, wherever the group is."""
    seen = moved(pair)
    for look, active, other in ((seen.before, HOME, AWAY), (seen.after, AWAY, HOME)):
        judge.equal("7.2-05", f"from {other}", expected=True, observed=look.reached_from[other])
        from_both = {server: look.reached_from[server] for server in (active, other)}
        judge.equal("7.2.5-01", "from both", expected={active: True, other: True}, observed=from_both)


@mirrored
@clause("7.2-08", "7.2.5-04", "7.2.5-05")
def test_tcp_ip_and_arp_are_enough(pair: Pair, judge: Judge) -> None:
    """The suite's client is no Windows machine and has nothing of the port: by IP it reaches the address, by ARP it
    knows who has it.
    """
    seen = moved(pair)
    system = pair.see.run("client", ["sh", "-c", "uname -s"]).stdout.strip()
    judge.holds("7.2-08", "the client is no Windows machine", "NT" not in system.upper(), system)
    known = {"before": seen.macs[HOME], "after": seen.macs[AWAY]}
    table = {"before": seen.table_before, "after": seen.table_after}
    judge.equal("7.2.5-05", "its ARP table", expected=known, observed=table)
    both = [look.reached_from["client"] for look in (seen.before, seen.after)]
    judge.equal("7.2.5-04", "by IP, before and after a move", expected=[True, True], observed=both)
