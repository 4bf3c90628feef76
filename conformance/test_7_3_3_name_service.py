"""7.3.3: what virtual computer names need on the servers."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.static import Static


@clause("7.3.3-10")
@pytest.mark.parametrize(("interfaces", "warned"), [(1, False), (2, True)])
def test_one_interface_serves_names(static: Static, interfaces: int, warned: bool) -> None:
    """One interface bound to the name service client is in order; two are accepted with W_WINS_BIND."""
    config = make.with_vcns("NAMED")
    config["servers"][0]["name_service_interfaces"] = interfaces
    if warned:
        static.warns("7.3.3-10", "two interfaces", config, "W_WINS_BIND")
    else:
        static.is_silent("7.3.3-10", "one interface", config, "W_WINS_BIND")
