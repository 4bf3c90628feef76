"""6: what a failover group is."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.moved import AWAY, moved
from conformance.suite.pair import Pair
from conformance.suite.static import Static


@clause("6-02")
def test_a_group_has_a_name_resources_and_attributes(static: Static) -> None:
    """A group of a name, a disk, an address, a name, scripts and all attributes is accepted; nameless it is not."""
    static.accepts("6-02", "a group with everything", make.with_whole_group("all"))
    static.refuses("6-02", "a group without a name", make.with_whole_group(""), "E_LENGTH", "E_CHARSET")


@clause("6-05")
@pytest.mark.parametrize(
    ("resource", "what"),
    [
        (make.disk_resource(), "switched partition"),
        (make.fip(make.PUBLIC + "100"), "floating IP address"),
        (make.vcn("ONCE"), "virtual computer name"),
    ],
    ids=["disk", "floating-ip", "virtual-computer-name"],
)
def test_a_resource_belongs_to_one_group(static: Static, resource: make.Config, what: str) -> None:
    """A resource that is in one group already cannot be in a second one: E_DUP."""
    config = make.good()
    config["groups"] = [make.group("appl1", resource), make.group("appl2", make.script())]
    static.accepts("6-05", f"a {what} in one group", config)
    config["groups"][1]["resources"].append(resource)
    static.refuses("6-05", f"the same {what} in a second group", config, "E_DUP")


@pytest.mark.cluster("copies")
@clause("6-01", "6-04")
def test_all_resources_move_together(pair: Pair, judge: Judge) -> None:
    """Disk, address and scripts of a group are on one server, and after a move all of them are on the other one."""
    seen = moved(pair)
    where = {
        "disk": [server for server, mounted in seen.after.mounted.items() if mounted],
        "address": [seen.after.owner],
        "start script": [run.server for run in seen.scripts if run.script == "start"],
    }
    judge.equal("6-01", "after the move", expected={each: [AWAY] for each in where}, observed=where)
    first = [server for server, mounted in seen.before.mounted.items() if mounted]
    judge.equal("6-04", "before, disk and address", expected=[seen.before.owner], observed=first)
    judge.equal("6-04", "after, disk and address", expected=[seen.after.owner], observed=where["disk"])
