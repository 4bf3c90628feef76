"""7.2.1: which addresses may float. The rule of the network is judged in 2.2.2.3, which states it too."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.observers import announces
from conformance.suite.pair import Pair
from conformance.suite.refusals import refusal
from conformance.suite.static import Static

attributes = pytest.mark.cluster("attributes")


@clause("7.2.1-03")
@pytest.mark.parametrize("base", ["203.0.113.", "8.8.8.", "192.168.7."])
def test_a_floating_address_may_be_global(static: Static, base: str) -> None:
    """To the network a floating IP address is any host address: global and private ones are both accepted."""
    config = make.with_fips(f"{base}100")
    config["networks"][0]["addresses"] = {"server1": f"{base}1/24", "server2": f"{base}2/24"}
    static.accepts("7.2.1-03", f"FIP {base}100 in {base}0/24", config)


@attributes
@clause("7.2.1-01", "2.2.2.3-20", "2.3.6-02")
def test_an_address_in_use_is_not_taken(pair: Pair, judge: Judge) -> None:
    """While another host has the address, the group does not start, and no server announces the address."""
    see, address = pair.see, str(pair.provisioned["floating_ips"][1])
    see.need("client", "ip")
    capture = see.capture_arp()
    label = [f"{address}/24", "dev", see.client_interface]
    see.run("client", ["ip", "address", "add", *label])
    try:
        refusal(pair, "group.start", group="byhand")
        after = pair.wait(lambda s: s.settled(), "byhand to be at rest")
    finally:
        see.run("client", ["ip", "address", "del", *label])
        frames = capture.stop()
    judge.equal("2.2.2.3-20", "the start of byhand", expected="start_failed", observed=after.state("byhand"))
    own = [see.mac_of(fixed) for fixed in see.fixed.values()]
    claims = [
        line
        for line in frames
        if announces(line, address) and any(mac and line.startswith(mac) for mac in own)
    ]
    judge.equal("2.2.2.3-20", "announcements by the servers", expected=[], observed=claims)
    with pair.spoiled_on_error():
        pair.operate("group.stop", group="byhand")
        pair.wait_place("byhand", None)
        pair.operate("group.start", group="byhand")
        pair.wait_place("byhand", "server1")
        judge.equal("2.2.2.3-20", "a free address is taken", expected=True, observed=see.pings(address))
        pair.operate("group.stop", group="byhand")
        pair.wait_place("byhand", None)
