"""8.6: a disk that was part of a mirror set."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.disks import plain
from conformance.suite.inspect import Inspect

in_use = pytest.mark.needs("inspect_use")


@in_use
@clause("8.6-02")
def test_a_former_mirror_disk_is_remarked_upon(inspect: Inspect) -> None:
    """A disk with the metadata of another mirror set: W_REUSE or E_DISK; with its partitions made anew: nothing."""
    former = plain(former_set=True)
    inspect.remarks("8.6-02", "metadata of another set", former, "W_REUSE", "E_DISK")
    inspect.accepts("8.6-02", "wiped and partitioned anew", plain())
    inspect.is_silent("8.6-02", "wiped and partitioned anew", plain(), "W_REUSE")
