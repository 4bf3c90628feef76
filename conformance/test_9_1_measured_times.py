"""9.1: the parts of a switch of servers, by a benchmark's file (`--measured FILE`)."""

from conformance.suite.cases import clause
from conformance.suite.measured import Measured


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
