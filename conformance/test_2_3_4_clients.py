"""2.3.4: clients."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.moved import AWAY, moved
from conformance.suite.pair import Pair


@pytest.mark.cluster("copies")
@clause("2.3.4-02")
def test_a_client_of_another_system_needs_arp_only(pair: Pair, judge: Judge) -> None:
    """A client that is no Windows machine reaches the address after a move as soon as its ARP entry has changed."""
    seen = moved(pair)
    system = pair.see.run("client", ["sh", "-c", "uname -s"]).stdout.strip()
    judge.holds("2.3.4-02", "the client is no Windows machine", "NT" not in system.upper(), system)
    judge.equal("2.3.4-02", "its ARP entry", expected=seen.macs[AWAY], observed=seen.table_after)
    judge.equal("2.3.4-02", "it answers", expected=True, observed=seen.after.reached_from["client"])
