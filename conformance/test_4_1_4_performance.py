"""4.1.4: what mirroring costs, by a benchmark's file (`--measured FILE`)."""

from conformance.suite.cases import clause
from conformance.suite.measured import Measured


@clause("4.1.4-01")
def test_overhead_is_measured(measured: Measured) -> None:
    """What the way over the network costs is known."""
    measured.hold()


@clause("4.1.4-02")
def test_application_that_seldom_writes_loses_nothing_to_speak_of(measured: Measured) -> None:
    """With nearly no writes the mirrored disk is as fast as the plain one."""
    measured.hold()


@clause("4.1.4.1-01")
def test_loss_while_mirroring(measured: Measured) -> None:
    """At read:write 2:1 a mirrored disk is at most about a fifth slower."""
    measured.hold()


@clause("4.1.4.1-02")
def test_loss_grows_with_the_share_of_writes(measured: Measured) -> None:
    """The more writes, the larger the loss."""
    measured.hold()


@clause("4.1.4.2-01")
def test_further_loss_while_rebuilding(measured: Measured) -> None:
    """A rebuild takes at most about 15 % of what is left in normal operation."""
    measured.hold()
