"""7.3.2: virtual computer names for clients on another LAN: LMHOSTS, name servers on both servers, or one outside.

Everything is seen in two stories (suite/far_names.py), each with a cluster shutdown and a loss of server 1.
"""

import pytest

from conformance.suite.cases import clause
from conformance.suite.clusters import LINKED, LOOSE
from conformance.suite.far_names import AWAY, HOME, REMOTE, Known, watch
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair

needs = pytest.mark.needs("name_servers", "remote_lan")
own = pytest.mark.cluster("wins-own")
outside = pytest.mark.cluster("wins-outside")


@needs
@own
@clause("7.3.2.1-01", "7.3.2.2-02")
def test_lmhosts_serves_associated_names_only(pair: Pair, judge: Judge) -> None:
    """A remote client whose LMHOSTS file has both names reaches both; after a failover the associated one only."""
    seen = watch(pair)
    for look, loose in ((seen.before, True), (seen.after, False)):
        found = look.by_lmhosts
        judge.equal("7.3.2.1-01", f"on {look.server}", expected=True, observed=found[REMOTE, LINKED])
        judge.equal("7.3.2.2-02", f"on {look.server}", expected=loose, observed=found[REMOTE, LOOSE])


@needs
@own
@clause("7.3.2.3-07", "7.3.2.3-08")
def test_both_name_servers_know_the_names(pair: Pair, judge: Judge) -> None:
    """Name servers on both servers: each knows both names, before a cluster shutdown and after the next start, and
    neither knows one in between.
    """
    seen = watch(pair)
    expected = seen.expected(seen.before)
    judge.equal("7.3.2.3-07", "on either name server", expected=expected, observed=seen.before.known)
    nothing: Known = {key: [] for key in seen.stopped}
    judge.equal("7.3.2.3-08", "while stopped", expected=nothing, observed=seen.stopped)
    judge.equal("7.3.2.3-08", "started again", expected=expected, observed=seen.restarted.known)


@needs
@own
@clause("7.3.2.3-09")
def test_a_remote_client_is_set_to_both_servers(pair: Pair, judge: Judge) -> None:
    """A remote client with both servers as its name servers comes to both names, also when one of them is lost."""
    seen = watch(pair)
    for look in (seen.before, seen.after):
        reached = {LINKED: True, LOOSE: True}
        judge.equal("7.3.2.3-09", f"on {look.server}", expected=reached, observed=look.by_wins)


@needs
@outside
@clause("7.3.2.3-15", "7.3.2.3-16")
def test_a_name_server_outside_knows_the_names(pair: Pair, judge: Judge) -> None:
    """One name server outside: it knows both names from the server that runs them, after a cluster shutdown and the
    next start as before, and after the loss of server 1 from the other one.
    """
    seen = watch(pair)
    for look in (seen.before, seen.after):
        judge.equal("7.3.2.3-15", f"on {look.server}", expected=seen.expected(look), observed=look.known)
    nothing: Known = {key: [] for key in seen.stopped}
    judge.equal("7.3.2.3-16", "while stopped", expected=nothing, observed=seen.stopped)
    again = seen.expected(seen.restarted)
    judge.equal("7.3.2.3-16", "started again", expected=again, observed=seen.restarted.known)


@needs
@outside
@clause("7.3.2.3-17", "7.3.2.1-02")
def test_a_remote_client_is_set_to_the_name_server_outside(pair: Pair, judge: Judge) -> None:
    """A remote client that is set to it comes to either name, before and after the loss of server 1; the associated
    one has its floating address there.
    """
    seen = watch(pair)
    for look, server in ((seen.before, HOME), (seen.after, AWAY)):
        judge.equal("7.3.2.3-17", f"{LOOSE} on {server}", expected=True, observed=look.by_wins[LOOSE])
        judge.equal("7.3.2.1-02", f"{LINKED} on {server}", expected=True, observed=look.by_wins[LINKED])
        known = look.known[seen.name_servers[0], LINKED]
        judge.equal("7.3.2.1-02", f"its address, on {server}", expected=[seen.address], observed=known)
