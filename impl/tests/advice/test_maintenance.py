"""What stands against an upgrade, against packages, against a removal: each with its clause and the way out."""

from copy import deepcopy
from typing import Any

import pytest

from impl.tests.samples import TWO_SERVERS
from twinset import config as configuration
from twinset.advice import maintenance

S1, S2 = "server1", "server2"
SET = """
[[mirror_set]]
name = "set1"
disks = [ {server="server1", path="/dev/sdb"}, {server="server2", path="/dev/sdb"} ]
partitions = [ {number=2, letter="E"} ]
"""
GROUP = """
[[group]]
name = "db"
policy = ["server1", "server2"]
[[group.mirror_disk]]
set = "set1"
mounts = [ {letter="E", path="/mnt/db"} ]
"""
WHOLE: dict[str, Any] = {
    "this_server": S1,
    "servers": {S1: {"status": "O", "word": "operating"}, S2: {"status": "O", "word": "operating"}},
    "groups": {"db": {"server": S1, "state": "active"}, "web": {"server": S2, "state": "active"}},
    "mirror_sets": {"set1": {"state": "NORMAL", "permitted_on": None}},
}


def status(
    mine: str = "O", theirs: str = "O", state: str = "NORMAL", permitted: str | None = None
) -> dict[str, Any]:
    found = deepcopy(WHOLE)
    found["servers"][S1]["status"], found["servers"][S2]["status"] = mine, theirs
    found["mirror_sets"]["set1"].update(state=state, permitted_on=permitted)
    if mine != "O":
        found["groups"]["db"]["server"] = S2
    return found


def helps(found: list[maintenance.Obstacle]) -> list[str]:
    assert all(each.clause and each.text for each in found)
    return [each.help for each in found]


MOVE, ISOLATE = "twinset group move db server2", "twinset server isolate server1"


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (None, []),
        (status(), [MOVE, ISOLATE]),
        (status("Od"), []),
        (status("X", "X"), []),
        (status("O", "Od", "INCONSISTENT"),
         ["twinset server return server2", "twinset mirror status set1", MOVE, ISOLATE]),
        (status("O", "X"), ["twinset cluster start", MOVE, ISOLATE]),
        (status("O", "Xd"), ["twinset cluster status", MOVE, ISOLATE]),
        (status(state="RECONSTRUCTING"), ["twinset mirror status set1", MOVE, ISOLATE]),
        (status("Od", permitted=S1), ["twinset mirror restrict set1"]),
        (status("Od", permitted=S2), []),
    ],
)  # fmt: skip
def test_only_a_server_outside_of_the_cluster_is_upgraded(
    shown: dict[str, Any] | None, wanted: list[str]
) -> None:
    """And it leaves while the other one is whole: the obstacles are the steps of the page, in order (AUX-01)."""
    assert helps(maintenance.against_upgrade(shown)) == wanted


DEB = "/var/cache/apt/archives/{}_1.2-3_amd64.deb"
RELIED_ON = (
    "libc6",
    "python3.11",
    "python3.11-minimal",
    "systemd",
    "fuse3",
    "libaio1",
    "linux-image-6.1.0-9-amd64",
)
OTHERS = ("vim", "python3-yaml", "libc6-dev", "linux-libc-dev", "fontconfig", "systemd-timesyncd")


@pytest.mark.parametrize("name", RELIED_ON)
def test_what_the_mirrored_disk_relies_on_waits_for_a_busy_server(name: str) -> None:
    """The line names the package and the group (AUX-02)."""
    files = [DEB.format(each) for each in (*OTHERS, name)]
    held, found = maintenance.against_packages(files, status())
    assert held == [name]
    assert [(each.clause, each.text) for each in found] == [("AUX-02", "group db runs on server1")]


@pytest.mark.parametrize(
    ("names", "shown"), [(OTHERS, status()), (RELIED_ON, status("Od")), (RELIED_ON, None), ((), status())]
)
def test_everything_else_passes(names: tuple[str, ...], shown: dict[str, Any] | None) -> None:
    """Other packages everywhere, and all of them on a server that runs no group."""
    assert maintenance.against_packages([DEB.format(each) for each in names], shown)[1] == []


def test_a_removal_begins_with_what_uses_the_disks() -> None:
    """The cluster, the resources that use a set, the sets, the records that stayed: in this order (8.3-01, 8.3-02)."""
    config = configuration.loads(TWO_SERVERS + SET + GROUP)
    found = maintenance.against_removal(config, status(), ["/dev/sdc"])
    assert [each.clause for each in found] == ["8.3-01", "8.3-01", "8.3-02", "8.6-02"]
    assert helps(found)[0] == "twinset cluster stop"
    assert "[[group.mirror_disk]] of group db" in found[1].help
    assert helps(found)[2:] == ["twinset mirror cancel set1", "twinset disk clear /dev/sdc --yes"]


@pytest.mark.parametrize("text", ["", TWO_SERVERS])
def test_nothing_stands_against_removing_what_holds_no_disk(text: str) -> None:
    """No cluster, or one without mirror sets, stopped or not heard."""
    config = configuration.loads(text) if text else None
    for shown in (None, status("X", "X"), status("X", "Xd")):
        assert maintenance.against_removal(config, shown) == []
