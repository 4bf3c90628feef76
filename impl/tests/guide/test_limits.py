"""Numbers that know their clause."""

import json

import pytest

from twinset.guide import limits
from twinset.guide.limits import Limit


def test_limit_is_a_number_with_a_clause() -> None:
    """A limit computes, compares and prints as its number."""
    assert limits.GROUPS_MAX == 64
    assert (limits.GROUPS_MAX.clause, limits.GROUPS_MAX.unit) == ("2.2.2.3-08", "groups")
    assert f"{limits.GROUPS_MAX}" == "64"
    assert json.dumps(limits.GROUPS_MAX) == "64"


def test_every_constant_carries_its_clause() -> None:
    """No number of the guide stands here without its source."""
    named = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert len(named) > 20
    assert [name for name, value in named.items() if not (isinstance(value, Limit) and value.clause)] == []


@pytest.mark.parametrize(
    ("associated", "interfaces", "most", "clause"),
    [
        (False, 1, 64, "2.2.2.3-21"),
        (False, 9, 64, "2.2.2.3-21"),
        (True, 1, 63, "2.2.2.3-22"),
        (True, 2, 62, "2.2.2.3-22"),
        (True, 99, 0, "2.2.2.3-22"),
    ],
)
def test_virtual_computer_names(associated: bool, interfaces: int, most: int, clause: str) -> None:
    """64 names, less the interfaces of the name service client as soon as one is associated (2.2.2.3-22)."""
    limit = limits.virtual_computer_names_max(associated=associated, name_service_interfaces=interfaces)
    assert (limit, limit.clause) == (most, clause)


@pytest.mark.parametrize(
    ("limit", "number", "clause"),
    [
        (limits.SERVERS, 2, "2.1.1-01"),
        (limits.LAN_SERVERS, 2, "2.1.5-03"),
        (limits.DISKS_PER_SET, 2, "7.1.1-01"),
        (limits.CLUSTER_PARTITION_NUMBER, 1, "7.1.2-03"),
        (limits.CLUSTER_PARTITION_BYTES_MIN, 1_048_576, "7.1.2-04"),
        (limits.HEARTBEAT_INTERVAL_S, 3, "9.1-03"),
    ],
)
def test_numbers_that_no_rule_counts_to(limit: Limit, number: int, clause: str) -> None:
    """Where a rule states the number by its shape, or another part uses it, the number is pinned here."""
    assert (limit, limit.clause) == (number, clause)


def test_letters_are_the_alphabet_less_three() -> None:
    """23 data partitions: 26 letters less A, B and the system drive (2.2.2.1-05)."""
    assert limits.DATA_PARTITIONS_MAX == 26 - 3
