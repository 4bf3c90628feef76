"""The planning estimate of a switch of servers."""

import pytest

from twinset.guide.switching_time import RESOURCE_S, estimate, heartbeat_timeout_s


def test_without_resources_it_is_detection_and_partition_phase() -> None:
    """30 s until the detection and 30 to 60 s of partition phase by default (9.1-03, 9.1-05)."""
    assert (estimate({}).least_s, estimate({}).most_s) == (60, 90)


@pytest.mark.parametrize("kind", RESOURCE_S)
@pytest.mark.parametrize("number", [0, 1, 2, 64])
def test_each_resource_adds_its_time(kind: str, number: int) -> None:
    """n resources of a kind add n times its time (9.1-08)."""
    assert estimate({kind: number}).resources_s == number * RESOURCE_S[kind]


def test_parts_add_up() -> None:
    """Two addresses, a mirror disk, a name and a script of 20 s: the sum of the four parts (9.1-01)."""
    found = estimate({"floating_ip": 2, "mirror_disk": 1, "virtual_computer_name": 1}, scripts_s=20)
    assert found.most_s == 30 + 60 + (2 * 360 + 60 + 60) + 20


def test_count_of_heartbeats_scales_detection() -> None:
    """Twenty heartbeats make 60 s (9.1-03)."""
    assert heartbeat_timeout_s(20) == 60
    assert estimate({}, heartbeat_timeout_count=20).least_s == 120


@pytest.mark.parametrize("resources", [{"dongle": 1}, {"floating_ip": -1}])
def test_unknown_resource_is_refused(resources: dict[str, int]) -> None:
    """A kind that the guide gives no time for, and a negative number, are refused."""
    with pytest.raises(ValueError, match="known are"):
        estimate(resources)
