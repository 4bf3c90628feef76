"""2.1.1: a mirror-disk cluster has two servers."""

import pytest

from conformance.suite import config as make
from conformance.suite.advised import Advised, servers
from conformance.suite.cases import clause
from conformance.suite.static import Static


@clause("2.1.1-01")
@pytest.mark.parametrize("count", [1, 3])
def test_two_servers_and_neither_one_nor_three(static: Static, count: int) -> None:
    """A cluster of two servers is accepted; one of one server, or of three, is refused."""
    static.accepts("2.1.1-01", "2 servers", make.with_servers(2))
    static.refuses("2.1.1-01", f"{count} servers", make.with_servers(count), "E_LIMIT", "E_TOPOLOGY")


@clause("2.1.1-02")
@pytest.mark.parametrize(
    "other",
    [{"model": "B"}, {"processors": 2}, {"memory_mib": 2048}],
    ids=["model", "processors", "memory"],
)
def test_servers_of_different_models_form_a_cluster(advised: Advised, other: dict[str, object]) -> None:
    """Servers that differ in model, processors or memory are accepted; advice there may be."""
    config = make.good()
    advised.accepts("2.1.1-02", "servers alike", config, servers(config))
    advised.accepts("2.1.1-02", f"server 2 has {other}", config, servers(config, server2=other))
