"""7.3.6: the order of a server's connections, by which a name server learns of names."""

from conformance.suite import config as make
from conformance.suite.advised import Advised, servers
from conformance.suite.cases import clause

SECOND = {
    "name": "public2",
    "roles": ["public", "interconnect"],
    "addresses": {"server1": "10.0.3.1/24", "server2": "10.0.3.2/24"},
}


@clause("7.3.6-09")
def test_the_lan_of_the_name_server_stands_first(advised: Advised) -> None:
    """With the name servers' public LAN first there is no W_BIND_ORDER; with another public LAN before it there is."""
    config = make.with_name_servers("10.0.1.1", "10.0.1.2")
    config["networks"].append(SECOND)
    advised.is_silent("7.3.6-09", "first", config, servers(config), "W_BIND_ORDER")
    config["networks"].insert(0, config["networks"].pop())
    advised.warns("7.3.6-09", "second", config, servers(config), "W_BIND_ORDER")
