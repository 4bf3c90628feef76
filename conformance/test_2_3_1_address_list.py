"""2.3.1: the addresses from which a group's floating IP address is chosen."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.config import PUBLIC
from conformance.suite.static import Static


@pytest.mark.needs("floating_ip_settings")
@clause("2.3.1-11")
def test_a_group_has_an_address_of_the_floating_ip_settings(static: Static) -> None:
    """Where the cluster's settings list addresses, each of them may be a group's and no other; where they list none,
    any that fits.
    """
    listed = [PUBLIC + "100", PUBLIC + "101"]
    for address in listed:
        config = make.with_fips(address)
        config["cluster"]["floating_ips"] = listed
        static.accepts("2.3.1-11", f"{address}, which is listed", config)
    config = make.with_fips(PUBLIC + "102")
    static.accepts("2.3.1-11", "without a list", config)
    config["cluster"]["floating_ips"] = listed
    static.refuses("2.3.1-11", "an address that is not listed", config, "E_NOTFOUND", "E_RANGE")
