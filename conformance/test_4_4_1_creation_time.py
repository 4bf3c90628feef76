"""4.4.1: how long a mirror takes to be created, by a benchmark's file (`--measured FILE`)."""

from conformance.suite.cases import clause
from conformance.suite.measured import Measured


@clause("4.4.1-03")
def test_creation_takes_longer_beside_applications(measured: Measured) -> None:
    """A mirror is created more slowly while applications run."""
    measured.hold()


@clause("4.4.1-04", "4.4.1-05", "4.4.1-06")
def test_creation_time_of_a_gigabyte(measured: Measured) -> None:
    """A mirror of 1 GB is created within the guide's times for its disks."""
    measured.hold()
