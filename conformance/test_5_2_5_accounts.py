"""5.2.5: what an application left behind under one server's own account."""

from conformance.suite import config as make
from conformance.suite.advised import Advised, servers
from conformance.suite.cases import clause


@clause("5.2.5-04")
def test_an_account_of_each_server_alone_is_advised_against(advised: Advised) -> None:
    """An account that is the same on both servers, as one of a domain is, draws no W_ACCOUNT; two of one name do."""
    config = make.with_accounts("operator")
    one, two = {"accounts": {"operator": 1001}}, {"accounts": {"operator": 1002}}
    advised.is_silent("5.2.5-04", "the same", config, servers(config, server1=one, server2=one), "W_ACCOUNT")
    advised.warns("5.2.5-04", "two", config, servers(config, server1=one, server2=two), "W_ACCOUNT")
