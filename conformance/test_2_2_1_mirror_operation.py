"""2.2.1: what mirror-disk operation brings with it."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.static import Static


@clause("2.2.1-07")
@pytest.mark.parametrize("count", [3, 4])
def test_three_servers_cannot_be_configured(static: Static, count: int) -> None:
    """Two servers are all: a third one is refused, whether or not anything is mirrored."""
    static.accepts("2.2.1-07", "2 servers without a mirror set", make.without_disks(make.with_servers(2)))
    for config, what in (
        (make.with_servers(count), "with a mirror set"),
        (make.without_disks(make.with_servers(count)), "without"),
    ):
        static.refuses("2.2.1-07", f"{count} servers {what}", config, "E_LIMIT", "E_TOPOLOGY")


@clause("2.2.1-13")
def test_memory_grows_with_every_mirror_set(static: Static) -> None:
    """n mirror sets of the same options need n times the memory of one, up to the eighth."""
    one = static.cluster_memory_kib(make.with_mirror_sets(1))
    static.judge.holds("2.2.1-13", "one set needs memory", one > 0, one)
    for count in (2, 8):
        found = static.cluster_memory_kib(make.with_mirror_sets(count))
        static.judge.equal("2.2.1-13", f"KiB of {count} sets", expected=count * one, observed=found)
