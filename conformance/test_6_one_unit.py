"""6: a failover group is one unit of what it contains."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.static import Static
from conformance.suite.walk import Walk

no = pytest.mark.cluster("walk-no")


@clause("6-05")
def test_a_resource_is_in_one_group_only(static: Static) -> None:
    """A floating IP address, or the partition of a mirror set, of one group is refused in another one."""
    config = make.with_fips("10.0.1.100")
    config["groups"].append(make.group("other", make.fip("10.0.1.100")))
    static.refuses("6-05", "an address", config, "E_DUP")
    config = make.good()
    config["groups"].append(make.group("other", make.disk_resource()))
    static.refuses("6-05", "a partition", config, "E_TOPOLOGY", "E_DUP")


@clause("6-02", "6.2-01")
def test_a_group_has_name_resources_and_attributes(static: Static) -> None:
    """A group with all seven attributes is accepted; one without a name is not."""
    config = make.with_keys("HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme")
    config["groups"][0] |= {"startup": "manual", "failover": "normal", "failback": True}
    static.accepts("6-02", "all but a service name", config)
    config["groups"][0]["logical_service_names"] = ["payroll"]
    static.accepts("6.2-01", "all seven attributes", config)
    static.refuses("6-02", "no name", make.with_group_named(""), "E_LENGTH")


@no
@clause("6-01", "6-04", "6.2.6-01")
def test_everything_of_a_group_moves_together(pair: Pair, judge: Judge) -> None:
    """A is moved: its disk, its address and its application are all where it goes, none stays, and B is not touched."""
    walk = Walk(pair, "NO")
    walked = walk.arrow("7")
    walk.go_to("P1")
    for server, here in ((SERVER1, True), (SERVER2, False)):
        judge.equal("6-04", f"the disk on {server}", expected=here, observed=pair.mounted("A", server))
    judge.equal("6-04", "who has the address", expected=SERVER1, observed=walked.places["A"])
    judge.equal("6-01", "B on the arrow", expected=[], observed=walked.starts("B"))
    judge.equal("6.2.6-01", "scripts where A was", expected=["stop"], observed=walked.ran("A", SERVER2))
    judge.equal("6.2.6-01", "scripts where A is", expected=["start"], observed=walked.ran("A", SERVER1))


@no
@clause("6.1-02", "6.1-03", "6.1-08")
def test_disk_address_and_script_are_resources(pair: Pair, judge: Judge) -> None:
    """While A is active its partition is usable, its address answers and its start script has run."""
    walk = Walk(pair, "NO")
    started = walk.arrow("1").starts("A")
    walk.go_to("P1")
    written = pair.write_file("A", SERVER1, "resource")
    judge.equal(
        "6.1-02", "what was written", expected=written, observed=pair.checksum("A", SERVER1, "resource")
    )
    judge.equal("6.1-03", "the address", expected=True, observed=pair.see.pings(walk.fips["A"]))
    judge.equal("6.1-08", "the script", expected=[(SERVER1, "START", "HOME")], observed=started)
