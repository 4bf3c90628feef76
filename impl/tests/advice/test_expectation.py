"""The model of what mirroring costs, limit by limit, on round figures."""

from dataclasses import replace

import pytest

from impl.tests.advice.measured_costs import costs
from twinset.advice import expectation
from twinset.advice.coefficients import Interval, Operations, exactly
from twinset.advice.expectation import Machine

COSTS = costs()
SERVERS = Machine(processors=4)  # of their own, so that what the measured machine did is no limit


def kind(name: str) -> Operations:
    return COSTS.operations[name]


def test_a_machine_like_the_measured_one_does_what_was_measured() -> None:
    """Nothing described, nothing concluded: the rate is the measured one, with its bounds."""
    found = expectation.mirrored(COSTS, kind("write-16"), Machine())
    assert (found.by, found.rate) == ("as measured", Interval(10_000, 9_000, 11_000))
    assert expectation.raw(COSTS, kind("write-16"), Machine()).rate.middle == 20_000


def test_lone_write_waits_for_receipt_and_then_for_its_disk() -> None:
    """Depth 1: own 300 + round trip 500 + disk 200 us, so 1000 a second; the disk alone does 5000."""
    machine = Machine(disk_us=200, round_trip_us=500, processors=4)
    found = expectation.mirrored(COSTS, kind("write-1"), machine)
    assert (found.by, found.rate.middle) == ("own order", 1000)
    assert found.rate.low == pytest.approx(1e6 / (1100 * 1.1))
    assert found.rate.high == pytest.approx(1e6 / (900 * 0.9))
    assert expectation.latency_us(kind("write-1"), found).middle == 1000


def test_a_slow_link_adds_the_time_of_the_frame() -> None:
    """4 KiB and a header at 10 Mbit/s: 3.45 ms, more than all else together."""
    machine = Machine(disk_us=200, round_trip_us=500, link_mbit_s=10, processors=4)
    limits = expectation.mirrored(COSTS, kind("write-1"), machine).limits
    sent_us = (4096 + 32) * 8 * 1514 / 1448 / 10
    assert limits["own order"].middle == pytest.approx(1e6 / (1000 + sent_us))
    bucket = replace(machine, throttled=True)  # lets a frame through at once
    assert expectation.mirrored(COSTS, kind("write-1"), bucket).limits["own order"].middle == 1000


def test_reads_wait_for_the_disk_alone() -> None:
    """A quarter writes: 0.25 * (300 + 100 + 100) + 0.75 * (50 + 100) us, sixteen at a time."""
    limits = expectation.mirrored(COSTS, kind("mix-16"), SERVERS).limits
    assert limits["own order"].middle == pytest.approx(16e6 / (125 + 112.5))


@pytest.mark.parametrize(("throttled", "rate"), [(False, 500), (True, 500 / 0.75)])
def test_disk_does_reads_and_writes(throttled: bool, rate: float) -> None:
    """One budget for both; a throttle has one each, and the larger share uses its up."""
    found = expectation.mirrored(COSTS, kind("mix-16"), Machine(disk_iops=500, throttled=throttled))
    assert (found.by, found.rate.middle) == ("disk", pytest.approx(rate))
    assert found.rate.low == pytest.approx(rate * 0.9)


@pytest.mark.parametrize(("piece_kib", "requests"), [(64, 1), (4, 16), (1024, 1), (2048, 1)])
def test_a_large_write_is_one_operation_of_each_disk_for_each_run(piece_kib: int, requests: int) -> None:
    """1 MiB goes in sixteen pieces of 64 KiB that are one request; smaller pieces fill sixteen requests."""
    machine = Machine(disk_iops=500)
    limits = expectation.mirrored(COSTS, kind("large"), machine, piece_kib=piece_kib).limits
    assert limits["disk"].middle == 500 / requests
    assert expectation.raw(COSTS, kind("large"), machine).limits["disk"].middle == 500


def test_throughput_of_the_disk_counts_too() -> None:
    """200 MiB/s are 200 writes of 1 MiB."""
    machine = Machine(disk_mib_s=200, processors=4)
    assert expectation.mirrored(COSTS, kind("large"), machine).limits["disk throughput"].middle == 200


def test_only_writes_cross_the_link() -> None:
    """100 Mbit/s carry 2896 writes of 4 KiB, and four times as many operations of which a quarter writes."""
    writes, mix = (
        expectation.mirrored(COSTS, kind(name), Machine(link_mbit_s=100)).limits["link"].middle
        for name in ("write-16", "mix-16")
    )
    assert writes == pytest.approx(2896, rel=0.001)
    assert mix == pytest.approx(4 * writes)


def test_own_processors_replace_what_was_measured() -> None:
    """50 us an operation: 20,000 a second of one thread; the standby side's 25 us are no limit then."""
    found = expectation.mirrored(COSTS, kind("write-16"), Machine(processors=4, round_trip_us=0, disk_us=0))
    assert (found.by, found.rate) == ("processor of the active server", Interval(20_000, 16_000, 22_000))
    assert found.limits["disk as measured"] == kind("write-16").raw_iops  # no mirror is faster than its disk
    assert "as measured" not in found.limits


def test_overhead_is_what_is_lost_of_the_raw_disk() -> None:
    """Half, between 45 and 55 %; never less than nothing."""
    raw, mirrored = (expectation.lowest({"one": rate}) for rate in (exactly(100), Interval(50, 45, 55)))
    assert expectation.overhead(raw, mirrored).as_list() == [0.5, 0.45, 0.55]
    assert expectation.overhead(mirrored, raw) == Interval(0.0, 0.0, 0.0)


def test_full_copy_is_as_fast_as_its_slowest_part() -> None:
    """As measured; by the target's 2000 us a MiB; by the disk, a run an operation; by the link; by the distance."""
    assert expectation.copy_mib_s(COSTS, Machine()).rate == Interval(400, 320, 500)
    assert expectation.copy_mib_s(COSTS, SERVERS).by == "processor of the target"
    assert expectation.copy_mib_s(COSTS, SERVERS).rate == Interval(500, 400, 625)
    assert expectation.copy_mib_s(COSTS, Machine(disk_iops=50)).rate.middle == 50
    assert expectation.copy_mib_s(COSTS, Machine(disk_iops=50), piece_kib=4).rate.middle == 50 / 16
    assert expectation.copy_mib_s(COSTS, Machine(disk_mib_s=90)).by == "disk throughput"
    assert expectation.copy_mib_s(COSTS, Machine(link_mbit_s=100)).rate.middle == pytest.approx(
        11.4, rel=0.01
    )
    far = expectation.copy_mib_s(COSTS, Machine(round_trip_us=49_800))
    assert (far.by, far.rate.middle) == ("a run at a time", pytest.approx(20))


def test_rebuild_takes_the_bytes_over_the_rate() -> None:
    """A GB at 320 to 500 MiB/s."""
    found = expectation.rebuild_s(expectation.copy_mib_s(COSTS, Machine()), 1 << 30)
    assert found == Interval(2.56, 1024 / 500, 3.2)


def test_link_carries_frames_and_headers() -> None:
    """10 MiB/s are 84 Mbit/s of data, and 88 on the wire."""
    assert expectation.link_needed_mbit_s(10, 4) == pytest.approx(88.4, abs=0.1)


def test_outages_are_rationed() -> None:
    """61 s, an interval either way: 99.99 % of a year bears 49 of the longest."""
    found = expectation.outage_s(30, 30, 1, 3)
    assert found == Interval(61, 58, 64)
    assert expectation.outages_a_year(found)["99.99 %"] == pytest.approx(49.3, abs=0.1)


def test_nothing_is_expected_of_what_was_not_measured() -> None:
    """A run without copies says nothing of rebuilds; without a lone write nothing of the mirror's order."""
    bare = costs(copy=None, lone_us=None)
    with pytest.raises(ValueError, match="no full copy was measured"):
        expectation.copy_mib_s(bare, Machine())
    assert "own order" not in expectation.mirrored(bare, bare.operations["write-1"], Machine()).limits
