"""7.2.2: a floating IP address is used by giving it to a failover group."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.observers import announces
from conformance.suite.pair import Pair
from conformance.suite.refusals import refusal

attributes = pytest.mark.cluster("attributes")
GROUP, SERVER = "byhand", "server1"


def address_of(pair: Pair) -> str:
    """The floating IP address of the manual group."""
    return str(pair.provisioned["floating_ips"][1])


@attributes
@clause("7.2.2-01")
def test_an_address_is_there_exactly_while_its_group_is(pair: Pair, judge: Judge) -> None:
    """An inactive group's address and one that no group has do not answer; an active group's
    does, until it stops.
    """
    see, free = pair.see, str(pair.provisioned["floating_ips"][-1])
    judge.equal("7.2.2-01", "before its group starts", expected=False, observed=see.pings(address_of(pair)))
    judge.equal("7.2.2-01", "an address of no group", expected=False, observed=see.pings(free))
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, SERVER)
        judge.equal("7.2.2-01", "while its group runs", expected=True, observed=see.pings(address_of(pair)))
        judge.equal("7.2.2-01", "who has it", expected=SERVER, observed=see.owner_of(address_of(pair)))
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
    judge.equal("7.2.2-01", "after its group stopped", expected=False, observed=see.pings(address_of(pair)))


@attributes
@clause("7.2.2-01")
def test_the_address_is_announced_when_it_starts(pair: Pair, judge: Judge) -> None:
    """The server that takes the address says so on the LAN, unasked, so that clients need not
    wait for their caches.
    """
    see, address = pair.see, address_of(pair)
    mac = see.mac_of(see.fixed[SERVER])
    capture = see.capture_arp()
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, SERVER)
        frames = capture.stop_after(lambda line: line.startswith(mac) and announces(line, address))
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
    said = [line for line in frames if line.startswith(mac) and announces(line, address)]
    judge.holds("7.2.2-01", f"an announcement from {SERVER} ({mac})", bool(mac and said), frames[-20:])


@pytest.mark.spoils
@attributes
@clause("7.2.2-02")
def test_a_group_with_an_address_needs_a_cluster(pair: Pair, judge: Judge) -> None:
    """Before the cluster exists there is no group to give an address to: E_STATE or E_NOTFOUND;
    afterwards it works.
    """
    pair.spoil()
    pair.adapter.request("reset")
    code = refusal(pair, "group.start", group=GROUP)
    judge.holds("7.2.2-02", "before the cluster exists", code in {"E_STATE", "E_NOTFOUND"}, code)
    pair.set_up("attributes")
    pair.operate("group.start", group=GROUP)
    pair.wait_place(GROUP, SERVER)
    judge.equal("7.2.2-02", "afterwards", expected=True, observed=pair.see.pings(address_of(pair)))
    pair.operate("group.stop", group=GROUP)
    pair.wait_place(GROUP, None)


@pytest.mark.spoils
@pytest.mark.needs("reconfigure")
@attributes
@clause("7.2.2-03")
def test_an_address_is_changed_by_adding_and_deleting(pair: Pair, judge: Judge) -> None:
    """A new address is added and the old one deleted: the new one answers, the old one no longer does."""
    new = str(pair.provisioned["floating_ips"][2])
    old = pair.replace_fip(GROUP, new)
    pair.operate("group.start", group=GROUP)
    pair.wait_place(GROUP, SERVER)
    answers = {address: pair.see.pings(address) for address in (new, old)}
    judge.equal("7.2.2-03", "new and old", expected={new: True, old: False}, observed=answers)


@pytest.mark.spoils
@pytest.mark.needs("service_start_mode")
@attributes
@clause("7.2.2-05")
def test_the_software_can_be_kept_from_starting(pair: Pair, judge: Judge) -> None:
    """With the services set to start by hand, a cluster reboot leaves the software stopped and
    no group active.
    """
    for server in ("server1", "server2"):
        pair.adapter.request("service", {"server": server, "start": "manual"})
    pair.spoil()
    pair.operate("cluster.reboot")
    for server in ("server1", "server2"):
        running = pair.adapter.request("service", {"server": server})["running"]
        judge.equal("7.2.2-05", f"the software on {server}", expected=False, observed=running)
    judge.equal("7.2.2-05", "nobody answers", expected=False, observed=pair.see.pings(address_of(pair)))
