"""2.1.3: two disks that are not alike."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.disks import MIB, shaped
from conformance.suite.inspect import Inspect

beside = pytest.mark.needs("inspect_pair")


@beside
@clause("2.1.3-03")
def test_unlike_disks_need_an_unused_area_at_their_end(inspect: Inspect) -> None:
    """Two disks of different kinds that are filled to the end: W_NO_TAIL or E_PARTITION; with a tail: neither."""
    full, other = shaped(data_bytes=55 * MIB, model="ONE"), shaped(data_bytes=55 * MIB, model="TWO")
    inspect.remarks("2.1.3-03", "no unused area", full, "W_NO_TAIL", "E_PARTITION", other=other)
    roomy, beside_it = shaped(model="ONE"), shaped(model="TWO")
    inspect.is_silent("2.1.3-03", "an unused area", roomy, "W_NO_TAIL", other=beside_it)
    inspect.accepts("2.1.3-03", "an unused area", roomy, other=beside_it)


@beside
@clause("2.1.3-04")
def test_data_partitions_are_equal_in_size_not_in_place(inspect: Inspect) -> None:
    """The same data at another place of a larger disk is accepted; another size is refused with E_PARTITION."""
    moved = shaped(size_bytes=80 * MIB, data_start=20 * MIB)
    inspect.accepts("2.1.3-04", "the same size at another place", shaped(), other=moved)
    other = shaped(data_bytes=39 * MIB)
    inspect.refuses("2.1.3-04", "another size", shaped(), "E_PARTITION", other=other)
