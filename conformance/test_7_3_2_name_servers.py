"""7.3.2: name servers (WINS) in configurations, and what servers are set to."""

import pytest

from conformance.suite import config as make
from conformance.suite.advised import Advised, servers
from conformance.suite.cases import clause
from conformance.suite.static import Static

wins = pytest.mark.needs("name_servers")
OWN = ("10.0.1.1", "10.0.1.2")
OUTSIDE = "10.0.1.53"


@wins
@clause("7.3.2.3-04", "7.3.2.3-06")
@pytest.mark.parametrize("order", [OWN, OWN[::-1]], ids=["1-2", "2-1"])
def test_both_servers_as_name_servers_in_either_order(static: Static, order: tuple[str, str]) -> None:
    """The addresses of both servers are accepted in either order, without a warning; one alone is W_WINS_SINGLE."""
    both = make.with_name_servers(*order)
    static.accepts("7.3.2.3-04", "both servers", both)
    static.is_silent("7.3.2.3-04", "both servers", both, "W_WINS_SINGLE")
    static.warns("7.3.2.3-04", "one of them only", make.with_name_servers(order[0]), "W_WINS_SINGLE")


@wins
@clause("7.3.2.3-12", "7.3.2.3-14")
def test_a_name_server_outside_the_cluster(static: Static) -> None:
    """The address of a name server elsewhere is accepted; what is no address of a host is refused with E_SUBNET."""
    static.accepts("7.3.2.3-12", f"name server {OUTSIDE}", make.with_name_servers(OUTSIDE))
    for address in ("224.0.0.1", "127.0.0.1", "10.0.1.300", "nameserver"):
        static.refuses(
            "7.3.2.3-12", f"name server {address}", make.with_name_servers(address), "E_SUBNET", "E_CHARSET"
        )


@wins
@clause("7.3.2.2-01")
def test_an_unassociated_name_without_a_name_server(static: Static) -> None:
    """A name that no address stands for is known beyond its LAN by a name server only: without one, W_WINS."""
    static.warns("7.3.2.2-01", "no name server", make.with_vcns("ALONE"), "W_WINS")
    helped = make.with_vcns("ALONE")
    helped["name_service"] = {"wins_servers": [OUTSIDE]}
    static.is_silent("7.3.2.2-01", "with a name server", helped, "W_WINS")
    static.is_silent("7.3.2.2-01", "an associated name", make.with_vcns("FIRST", associated=True), "W_WINS")


@wins
@clause("7.3.2.3-07", "7.3.2.3-15")
@pytest.mark.parametrize("named", [OWN, (OUTSIDE,)], ids=["own", "outside"])
def test_the_servers_systems_use_the_same_name_servers(advised: Advised, named: tuple[str, ...]) -> None:
    """Systems that are set to the same name servers draw no W_WINS_DIFF, one that is set to another does."""
    config = make.with_name_servers(*named)
    same, other = {"name_servers": [*named]}, {"name_servers": ["10.0.1.99"]}
    for clause_id in ("7.3.2.3-07", "7.3.2.3-15"):
        described = servers(config, server1=same, server2=same)
        advised.is_silent(clause_id, "the same", config, described, "W_WINS_DIFF")
        described = servers(config, server1=same, server2=other)
        advised.warns(clause_id, "another one", config, described, "W_WINS_DIFF")


@clause("7.3.2.2-02")
def test_an_unassociated_name_is_kept_out_of_lmhosts(advised: Advised) -> None:
    """A name that no address stands for draws W_LMHOSTS, an associated one does not."""
    for associated in (True, False):
        config = make.with_vcns("FIRST", associated=associated)
        judged = advised.is_silent if associated else advised.warns
        judged("7.3.2.2-02", f"associated: {associated}", config, servers(config), "W_LMHOSTS")
