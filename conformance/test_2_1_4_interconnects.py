"""2.1.4: how many interconnects a cluster has, how fast they are, and which of them may be public."""

from conformance.suite import config as make
from conformance.suite.advised import Advised, at_speed
from conformance.suite.cases import clause
from conformance.suite.static import Static

BOTH = ("public", "interconnect")


@clause("2.1.4-02")
def test_sixteen_interconnects_and_no_seventeenth(static: Static) -> None:
    """16 interconnects are accepted, a 17th is refused with E_LIMIT (it is a 17th address of its servers too)."""
    static.accepts("2.1.4-02", "16 interconnects", make.with_interconnects(16))
    static.refuses("2.1.4-02", "17 interconnects", make.with_interconnects(17), "E_LIMIT")


@clause("2.1.4-03")
def test_a_single_interconnect_is_worth_a_warning(static: Static) -> None:
    """None at all is refused, a single one is accepted with W_SINGLE_IC, two draw no such warning."""
    static.refuses("2.1.4-03", "no interconnect", make.with_roles(("public",)), "E_TOPOLOGY", "E_LIMIT")
    static.warns(
        "2.1.4-03", "one interconnect", make.with_roles(("public",), ("interconnect",)), "W_SINGLE_IC"
    )
    two = make.with_roles(("public",), ("interconnect",), ("interconnect",))
    static.is_silent("2.1.4-03", "two interconnects", two, "W_SINGLE_IC")


@clause("2.1.4-04")
def test_the_primary_interconnect_is_not_public(static: Static) -> None:
    """A public LAN may be a further interconnect; where every interconnect is public, the primary is: E_TOPOLOGY."""
    static.accepts("2.1.4-04", "a second, public interconnect", make.with_roles(BOTH, ("interconnect",)))
    static.refuses("2.1.4-04", "one interconnect, public", make.with_roles(BOTH), "E_TOPOLOGY")
    static.refuses("2.1.4-04", "two interconnects, both public", make.with_roles(BOTH, BOTH), "E_TOPOLOGY")


@clause("2.1.4-01")
def test_an_interconnect_has_a_hundred_megabits(advised: Advised) -> None:
    """An interconnect of 100 Mbit/s draws no W_LINKSPEED, one of 99 does; a speed that nobody knows is no reason."""
    config = make.good()
    for speed in (100, None):
        described = at_speed(config, "ic2", speed)
        advised.is_silent("2.1.4-01", f"{speed} Mbit/s", config, described, "W_LINKSPEED")
    advised.warns("2.1.4-01", "99 Mbit/s", config, at_speed(config, "ic2", 99), "W_LINKSPEED")
