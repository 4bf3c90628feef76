"""4.1.4, 4.3.3, 4.4.1 and 9.1: the guide's figures of speed and time, by a benchmark's file (`--measured FILE`)."""

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


@clause("4.3.3-01")
def test_fastsync_costs_nothing(measured: Measured) -> None:
    """With FastSync the mirror is as fast as without."""
    measured.hold()


@clause("4.3.3-02", "4.3.3-04")
def test_copy_time_follows_the_difference(measured: Measured) -> None:
    """A larger difference takes longer, in proportion."""
    measured.hold()


@clause("4.3.3-03")
def test_copy_without_fastsync_is_a_copy_of_everything(measured: Measured) -> None:
    """Without FastSync a copy takes as long as one of 100 % difference."""
    measured.hold()


@clause("4.4.1-03")
def test_creation_takes_longer_beside_applications(measured: Measured) -> None:
    """A mirror is created more slowly while applications run."""
    measured.hold()


@clause("4.4.1-04", "4.4.1-05", "4.4.1-06")
def test_creation_time_of_a_gigabyte(measured: Measured) -> None:
    """A mirror of 1 GB is created within the guide's times for its disks."""
    measured.hold()


@clause("9.1-01", "9.1-02")
def test_switching_time_is_the_sum_of_its_parts(measured: Measured) -> None:
    """Heartbeat time-out, network partition phase, resources and script make the outage that a client sees."""
    measured.hold()


@clause("9.1-04", "9.1-05")
def test_network_partition_phase_is_bounded(measured: Measured) -> None:
    """It takes at most two heartbeat time-outs."""
    measured.hold()


@clause("9.1-09", "9.1-13", "9.1-16")
def test_resources_switch_in_their_times(measured: Measured) -> None:
    """The disk within a minute, the floating IP address within six, the start script as long as it takes."""
    measured.hold()
