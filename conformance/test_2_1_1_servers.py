"""2.1.1: a mirror-disk cluster has two servers."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.static import Static


@clause("2.1.1-01")
@pytest.mark.parametrize("count", [1, 3])
def test_two_servers_and_neither_one_nor_three(static: Static, count: int) -> None:
    """A cluster of two servers is accepted; one of one server, or of three, is refused."""
    static.accepts("2.1.1-01", "2 servers", make.with_servers(2))
    static.refuses("2.1.1-01", f"{count} servers", make.with_servers(count), "E_LIMIT", "E_TOPOLOGY")
