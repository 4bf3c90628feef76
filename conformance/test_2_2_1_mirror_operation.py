"""2.2.1: what mirror-disk operation brings with it."""

import json

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.errors import NotRun
from conformance.suite.judge import Judge
from conformance.suite.pair import SERVERS, Pair
from conformance.suite.refusals import refusal
from conformance.suite.static import Static

mirrored = pytest.mark.cluster("copies")
GROUP, SET = "db", "set1"
ONE, TWO = SERVERS
MIB = 1 << 20


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


def received_bytes(pair: Pair, server: str) -> int:
    """What a server received on the mirror connects so far."""
    pair.see.need(server, "ip")
    names = [n["interface"] for n in pair.now.config["networks"] if "mirror" in n["roles"]]
    shown = [pair.see.run(server, ["ip", "-s", "-j", "link", "show", "dev", name]).stdout for name in names]
    if not all(text.strip() for text in shown):
        raise NotRun(f"{server} shows no counters of {names}")
    return sum(int(each["stats64"]["rx"]["bytes"]) for text in shown for each in json.loads(text))


@mirrored
@clause("2.2.1-08")
def test_what_is_written_goes_to_the_other_server(pair: Pair, judge: Judge) -> None:
    """4 MiB written on the active server: the other one receives at least as much on the mirror connect."""
    pair.wait_place(GROUP, ONE)
    pair.wait_set(SET, "NORMAL")
    before = received_bytes(pair, TWO)
    pair.write_file(GROUP, ONE, "shipped", mib=4)
    received = received_bytes(pair, TWO) - before
    judge.holds("2.2.1-08", f"at least {4 * MIB} bytes received by server 2", received >= 4 * MIB, received)


@pytest.mark.needs("mirror_functions")
@pytest.mark.cluster("copies")
@clause("2.2.1-14")
def test_two_servers_do_not_use_the_data_at_once(pair: Pair, judge: Judge) -> None:
    """While a group has its mirror disk on one server, the other one gives no access to it: not by a start of the group
    there, and not when an operator permits it.
    """
    pair.wait_place("db", "server1")
    with pair.spoiled_on_error():
        for op, args in (
            ("group.start", {"group": "db", "to": "server2"}),
            ("mirror.permit", {"set": "set1", "server": "server2"}),
        ):
            said = refusal(pair, op, **args)
            judge.holds("2.2.1-14", f"{op} on server 2 is refused", said != "accepted", said)
            judge.equal(
                "2.2.1-14", f"served there, after {op}", expected=False, observed=pair.served("db", "server2")
            )
            judge.equal(
                "2.2.1-14",
                f"mounted there, after {op}",
                expected=False,
                observed=pair.mounted("db", "server2"),
            )
        judge.equal("2.2.1-14", "where the group is", expected="server1", observed=pair.status().place("db"))
