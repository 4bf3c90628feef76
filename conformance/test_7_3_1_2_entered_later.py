"""7.3.1.2: when a virtual computer name is entered."""

import copy

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair

LATER = "Conf-Later"


@pytest.mark.spoils
@pytest.mark.needs("reconfigure")
@pytest.mark.cluster("names")
@clause("7.3.1.2-01")
def test_a_name_is_entered_with_its_group_or_later(pair: Pair, judge: Judge) -> None:
    """A name that was entered when its group was added is known on the LAN; one that is entered in the properties of a
    group that was there already is known afterwards, and not before.
    """
    see = pair.see
    fips = [str(address) for address in pair.provisioned["floating_ips"]]
    judge.equal("7.3.1.2-01", "entered with its group", expected=[fips[0]], observed=see.resolves("Conf-One"))
    judge.equal("7.3.1.2-01", f"{LATER} before", expected=[], observed=see.resolves(LATER))
    pair.spoil()
    config = copy.deepcopy(pair.now.config)
    group = next(each for each in config["groups"] if each["name"] == "two")
    group["resources"] = [make.fip(fips[3]), make.vcn(LATER)]
    pair.adapter.request("apply", {"config": config})
    pair.wait(lambda s: set(s.servers.values()) == {"O"} and s.settled(), "both servers to be O")
    pair.wait_place("two", "server1")
    judge.equal("7.3.1.2-01", f"{LATER} afterwards", expected=[fips[3]], observed=see.resolves(LATER))
    judge.equal("7.3.1.2-01", "a name that was taken out", expected=[], observed=see.resolves("Conf-A"))
