"""2.1.5: mirror connects."""

from conformance.suite import config as make
from conformance.suite.advised import Advised, at_speed
from conformance.suite.cases import clause
from conformance.suite.static import Static

PUBLIC, BOTH = ("public", "interconnect"), ("interconnect", "mirror")


@clause("2.1.5-02")
def test_a_mirror_connect_is_an_interconnect(static: Static) -> None:
    """A mirror connect that is registered as interconnect is accepted, one that is not is refused."""
    static.accepts("2.1.5-02", "registered", make.with_mirror_roles(PUBLIC, BOTH))
    bare = make.with_mirror_roles(PUBLIC, ("mirror",), ("interconnect",))
    static.refuses("2.1.5-02", "not registered", bare, "E_TOPOLOGY")


@clause("2.1.5-06", "4.2.5-01")
def test_one_or_two_mirror_connects(static: Static) -> None:
    """One mirror connect or two are accepted; a third is refused with E_LIMIT, and none at all with E_TOPOLOGY."""
    static.accepts("2.1.5-06", "one mirror connect", make.with_mirror_roles(PUBLIC, BOTH))
    for clause_id in ("2.1.5-06", "4.2.5-01"):
        static.accepts(clause_id, "two mirror connects", make.with_mirror_roles(PUBLIC, BOTH, BOTH))
        static.refuses(
            clause_id, "three mirror connects", make.with_mirror_roles(PUBLIC, BOTH, BOTH, BOTH), "E_LIMIT"
        )
    none = make.with_mirror_roles(PUBLIC, ("interconnect",))
    static.refuses("2.1.5-06", "a mirror set and no mirror connect", none, "E_TOPOLOGY", "E_LIMIT")


@clause("2.1.5-01")
def test_a_mirror_connect_has_a_hundred_megabits(advised: Advised) -> None:
    """A mirror connect of 100 Mbit/s draws no W_LINKSPEED, one of 99 does."""
    config = make.good()
    described = at_speed(config, "ic1", 100)
    advised.is_silent("2.1.5-01", "100 Mbit/s", config, described, "W_LINKSPEED")
    advised.warns("2.1.5-01", "99 Mbit/s", config, at_speed(config, "ic1", 99), "W_LINKSPEED")
