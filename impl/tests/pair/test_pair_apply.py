"""`twinset apply` on two servers under a verifying writer: what a change does not touch does not notice it."""

from typing import Any

import pytest

from harness import topology
from harness.labs import pair
from harness.labs.api import ApiRefused
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

EXTRA = "10.0.1.120"
WEB = '[[group]]\nname = "web"\npolicy = ["server2", "server1"]\n[[group.floating_ip]]\naddress = "10.0.1.121"\n'
ADDRESS = f'[[group.floating_ip]]\naddress = "{topology.FLOATING_IP}"\n'
MORE = f'{ADDRESS}[[group.floating_ip]]\naddress = "{EXTRA}"\n'
OTHER = f'[[group.floating_ip]]\naddress = "{EXTRA}"\n'


def answers(running: Pair, address: str) -> bool:
    """Whether the client reaches an address."""
    return running.lab.client.run(["ping", "-n", "-c", "1", "-W", "1", address], check=False).returncode == 0


def generation(server: Server) -> int:
    """The generation that the server uses."""
    status = server.status() or {}
    found = status.get("configuration", {})
    return -1 if found.get("waits", True) else int(found["generation"])


def await_generation(running: Pair, number: int) -> None:
    """Both servers use the generation, and hear each other with it."""
    for server in running.lab.servers:
        wait_for(
            lambda s=server: generation(s) == number and not (s.status() or {})["configuration"]["differs"],  # type: ignore[misc]
            SOON_S,
            f"{server.name} to use generation {number}",
            poll_s=0.1,
        )


def refusal(server: Server, **args: Any) -> dict[str, Any]:
    """Ask for a change that is refused."""
    with pytest.raises(ApiRefused) as caught:
        server.api("cluster.apply", LATE_S, **args)
    return caught.value.error


def test_changes_take_effect_without_stopping_what_they_do_not_touch(running: Pair) -> None:
    """Groups and addresses come and go, what needs more says so, a server that was away or whose daemon was killed
    gets the newer configuration: one active group, one writer all along, no write lost, no failover.
    """
    lab, whole = running.lab, pair.configuration(running.lab)
    one, two = lab.servers
    scribe = running.write()
    shown = two.api("cluster.apply", LATE_S, text=whole + WEB, dry_run=True)
    assert [(each["action"], each["path"]) for each in shown["changes"]] == [("add", "group web")]
    assert generation(one) == generation(two) == 1
    two.api("cluster.apply", LATE_S, text=whole + WEB)
    await_generation(running, 2)
    pair.insist(one, "group.start", LATE_S, group="web")
    pair.await_group(one, "active", SOON_S, on=two.name, group="web")
    scribe.await_more(100)

    # 7.2.2-03: the new address is added, then the old one deleted, while the group runs.
    one.api("cluster.apply", LATE_S, text=whole.replace(ADDRESS, MORE) + WEB)
    await_generation(running, 3)
    wait_for(lambda: answers(running, EXTRA), SOON_S, "the added address to answer", poll_s=0.2)
    assert answers(running, topology.FLOATING_IP)
    moved = whole.replace(ADDRESS, OTHER)
    one.api("cluster.apply", LATE_S, text=moved + WEB)
    await_generation(running, 4)
    wait_for(lambda: not answers(running, topology.FLOATING_IP), SOON_S, "the old one not to", poll_s=0.2)
    assert answers(running, EXTRA)
    assert refusal(one, text=moved)["help"] == "twinset group stop web"  # it is deleted while it runs
    assert (
        refusal(one, text=(moved + WEB).replace("[[lan]]", "[timing]\nlease_s = 26\n[[lan]]", 1))["clause"]
        == "9.1-03"
    )
    used = (moved + WEB).replace("10.0.1.121", "10.0.1.50")  # the client's own
    pair.insist(one, "group.stop", SOON_S, group="web")
    assert refusal(one, text=used)["code"] == "E_DUP"
    one.api("cluster.apply", LATE_S, text=moved)
    await_generation(running, 5)
    scribe.await_more(100)

    for server in lab.servers:
        server.kill_program("twinsetd")
    running.await_normal()
    lab.power_off(two)
    pair.await_server(one, two.name, "Xd", LATE_S)
    assert (
        "cannot be reached"
        in refusal(one, text=moved.replace("[[group]]", "[[group]]\nfailback = true"))["message"]
    )
    one.api(
        "cluster.apply", LATE_S, text=moved.replace("[[group]]", "[[group]]\nfailback = true"), alone=True
    )
    scribe.await_more(100)
    lab.power_on(two)
    pair.await_server(one, two.name, "Od", LATE_S)
    await_generation(running, 6)
    pair.await_server(two, two.name, "Od", SOON_S)  # a change is no reason to forget that it was down
    running.give_back(two)
    scribe.await_more(100)
    scribe.stop()
    assert running.active is one
    scribe.verify(one)
    assert not [
        event for event in one.events() if event["event"] in ("group_fails_over", "daemon_internal_error")
    ]
    assert [event["fields"]["group"] for event in one.events() if event["event"] == "group_starting"] == [
        pair.GROUP
    ]
    running.stop_and_compare()
