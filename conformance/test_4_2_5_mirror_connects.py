"""4.2.5: a mirror connect may be there twice. How many there may be at most is judged in 2.1.5."""

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.static import Static

PUBLIC, BOTH = ("public", "interconnect"), ("interconnect", "mirror")


@clause("4.2.5-01")
def test_a_second_mirror_connect_is_accepted(static: Static) -> None:
    """The mirror connect can be made redundant: one is accepted, and so is a second one."""
    for count in (1, 2):
        config = make.with_mirror_roles(PUBLIC, *[BOTH] * count)
        static.accepts("4.2.5-01", f"{count} mirror connects", config)
