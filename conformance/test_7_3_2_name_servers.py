"""7.3.2: virtual computer names across LANs, by a name server (WINS)."""

import pytest

from conformance.suite import config as make
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
