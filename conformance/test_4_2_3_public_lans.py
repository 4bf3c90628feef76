"""4.2.3: public LANs as interconnects, against network partitions."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.static import Static


@clause("4.2.3-02")
@pytest.mark.parametrize("lan", [0, 3], ids=["the-only-public-lan", "the-second-public-lan"])
def test_a_public_lan_that_is_no_interconnect_is_worth_a_warning(static: Static, lan: int) -> None:
    """All public LANs registered: silence. One that is not: accepted, with W_PUBLIC_NOT_IC."""
    both = ("public", "interconnect")
    roles = [both, ("interconnect", "mirror"), ("interconnect",), *([both] if lan else [])]
    static.is_silent("4.2.3-02", "all registered", make.with_mirror_roles(*roles), "W_PUBLIC_NOT_IC")
    roles[lan] = ("public",)
    static.warns(
        "4.2.3-02", f"network {lan} not registered", make.with_mirror_roles(*roles), "W_PUBLIC_NOT_IC"
    )
