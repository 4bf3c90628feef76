"""2.1.3: the automatic adjustment of partitions to those of the other server's disk."""

import pytest

from conformance.suite.adapter import Adapter, shaped
from conformance.suite.cases import clause
from conformance.suite.config import Config
from conformance.suite.disks import MIB, disk, partition
from conformance.suite.errors import AdapterError, Refused
from conformance.suite.inspect import Inspect

CLUSTER = partition(1, MIB, 4 * MIB)
# The other server's disk, and one of 64 MiB whose first data partition is 2 MiB smaller.
OTHER = disk(CLUSTER, partition(2, 5 * MIB, 20 * MIB), partition(3, 25 * MIB, 20 * MIB))
MINE = disk(CLUSTER, partition(2, 5 * MIB, 18 * MIB), partition(3, 23 * MIB, 20 * MIB))


def adjusted(adapter: Adapter, mine: Config, other: Config) -> dict[int, tuple[int, int]]:
    """The partitions that the port makes of a disk's beside the other one's: start and size by number."""
    answer = shaped(
        "adjust_disk", adapter.request("adjust_disk", {"disk": mine, "other": other}), partitions=list
    )
    try:
        return {int(p["number"]): (int(p["start_bytes"]), int(p["size_bytes"])) for p in answer["partitions"]}
    except (KeyError, TypeError, ValueError) as error:
        raise AdapterError(f"adjust_disk: {answer!r}: {error!r}") from error


@pytest.mark.needs("adjust_disk")
@clause("2.1.3-05")
def test_partitions_move_into_the_area_that_was_reserved(inspect: Inspect) -> None:
    """A disk whose partitions are smaller gets those of the other one: none moves towards the beginning, and what grows
    is taken from the unused end. When that is one MiB too small the adjustment is refused; one that fits is not.
    """
    judge, adapter = inspect.judge, inspect.adapter
    before = {p["number"]: (p["start_bytes"], p["size_bytes"]) for p in MINE["partitions"]}
    after = adjusted(adapter, MINE, OTHER)
    sizes = {number: size for number, (_, size) in after.items()}
    wanted = {p["number"]: p["size_bytes"] for p in OTHER["partitions"]}
    judge.equal("2.1.3-05", "sizes", expected=wanted, observed=sizes)
    back = {number for number in before if after[number][0] < before[number][0]}
    judge.equal("2.1.3-05", "partitions that moved towards the beginning", expected=set(), observed=back)
    judge.holds("2.1.3-05", "partition 3 moved towards the end", after[3][0] > before[3][0], after)
    ends = [start + size for start, size in after.values()]
    judge.holds("2.1.3-05", "all of it is on the disk", max(ends) <= MINE["size_bytes"], after)
    just = adjusted(adapter, {**MINE, "size_bytes": max(ends)}, OTHER)
    judge.equal("2.1.3-05", "with just enough", expected=after, observed=just)
    try:
        adjusted(adapter, {**MINE, "size_bytes": max(ends) - MIB}, OTHER)
        said = "accepted"
    except Refused as refused:
        said = refused.code
    judge.equal("2.1.3-05", "one MiB too little at the end", expected="E_PARTITION", observed=said)
