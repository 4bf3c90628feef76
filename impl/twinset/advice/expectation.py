"""What mirroring will cost on a described machine, from what it was measured to cost on another one. Pure.

The model is a list of limits; the lowest one counts. For operations of `b` bytes, `d` in flight, share `w` of them
writes (each limit in operations a second):

    own order    d * 10^6 / latency, where a write takes own + round trip + a frame over the link + disk: the other
                 side has a write before the own disk gets it (impl/docs/mirror-rules.md); a read serving + disk
    disk         IOPS and MiB/s of one disk: each server's disk does every write, the active one's the reads too;
                 what lies side by side goes as one operation, up to a run (shell/mirror_runs.py)
    link         (link * 1448 / 1514) / (w * (b + 32)): TCP in Ethernet frames, one header of ours a write
    processors   10^6 / processor time of an operation, of each side's mirror process: it is one thread
    as measured  what the measured machine did, where both servers and the client shared its processors and the
                 described machine has no processors of its own

A full copy, in MiB/s: the rate or the processor time of a MiB as measured; the disk's MiB/s; a disk operation for
each run, a frame over the link for each piece of the maximum I/O size; a run at a time, read, sent and written.

Bounds: those of the coefficients, and TOLERANCE on what was described: a disk is seldom what it is called, and
limits that are near one another slow each other down, which a minimum does not see.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from twinset.mirror.pace import LONG_BYTES, PIECES_MAX

from .coefficients import NOTHING, Interval, exactly

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .coefficients import Coefficients, Operations

TOLERANCE: Final = 0.10
HEADER_BYTES: Final = 32  # of a frame on the mirror connect (impl/docs/wire-protocol.md)
PAYLOAD_SHARE: Final = 1448 / 1514  # TCP with time stamps in Ethernet frames
PIECE_KIB: Final = 64  # the maximum I/O size unless the configuration says another (4.5.1-04)
KIB: Final = 1 << 10
MIB: Final = 1 << 20
AS_MEASURED: Final = "as measured"
AVAILABILITIES: Final = (99.9, 99.99, 99.999)
YEAR_S: Final = 365.25 * 86_400


@dataclass(frozen=True)
class Machine:
    """The machine to come: each server's disk, the mirror connect, processors. 0, or None: as measured."""

    disk_iops: float = 0.0
    disk_mib_s: float = 0.0
    disk_us: float | None = None  # of one operation alone; without it 10^6 / disk_iops
    link_mbit_s: float = 0.0
    round_trip_us: float | None = None
    processors: int = 0  # of each server, besides what its applications keep busy
    # By token buckets: reads and writes of the disk apart, a burst on the link at once.
    throttled: bool = False

    def as_json(self) -> dict[str, float]:
        """Return what was described."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class Expected:
    """A rate, what limits it, and every limit."""

    rate: Interval
    by: str
    limits: Mapping[str, Interval]

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        limits = {name: limit.as_list() for name, limit in self.limits.items()}
        return {"rate": self.rate.as_list(), "limited_by": self.by, "limits": limits}


def described(rate: float) -> Interval:
    """Return a limit that stands in the description."""
    return Interval(rate, rate * (1 - TOLERANCE), rate * (1 + TOLERANCE))


def lowest(limits: Mapping[str, Interval]) -> Expected:
    """Return what the limits leave; bounds are the lowest of the bounds."""
    if not limits:
        raise ValueError("nothing limits it, so nothing is expected")
    by = min(limits, key=lambda name: limits[name].middle)
    low, high = (min(getattr(limit, end) for limit in limits.values()) for end in ("low", "high"))
    return Expected(Interval(limits[by].middle, low, high), by, dict(limits))


# -- operations


def raw(found: Coefficients, kind: Operations, machine: Machine) -> Expected:
    """Return operations a second of the disk alone."""
    limits = _disk(kind, machine)
    if not limits or machine.throttled:  # a throttled disk is no faster than the one below
        limits[AS_MEASURED] = kind.raw_iops
    if found.lone and machine.disk_iops:
        limits["depth"] = _widened(_disk_us(found, machine).under(kind.depth * 1e6))
    return lowest(limits)


def mirrored(found: Coefficients, kind: Operations, machine: Machine, piece_kib: int = PIECE_KIB) -> Expected:
    """Return operations a second of the mirror."""
    limits = _disk(kind, machine, requests=math.ceil(kind.block_kib / _run_kib(piece_kib)))
    if found.lone:
        limits["own order"] = _latency_us(found, kind, machine).under(kind.depth * 1e6)
    if machine.link_mbit_s and kind.write_share:
        written = kind.write_share * (kind.block_kib * KIB + HEADER_BYTES)
        limits["link"] = described(machine.link_mbit_s * 1e6 / 8 * PAYLOAD_SHARE / written)
    if machine.processors:
        limits |= {
            f"processor of the {side} server": cost.under(1e6)
            for side, cost in (("active", kind.active_us), ("standby", kind.standby_us))
            if cost.low
        }
        if not machine.disk_iops:
            limits["disk as measured"] = kind.raw_iops
    else:
        limits[AS_MEASURED] = kind.mirrored_iops
    return lowest(limits)


def _widened(interval: Interval) -> Interval:
    return Interval(interval.middle, interval.low * (1 - TOLERANCE), interval.high * (1 + TOLERANCE))


def _disk(kind: Operations, machine: Machine, requests: int = 1) -> dict[str, Interval]:
    """What the disks allow when an operation is so many requests of the disk."""
    busiest = max(kind.write_share, 1 - kind.write_share) if machine.throttled else 1.0
    limits = {}
    if machine.disk_iops:
        limits["disk"] = described(machine.disk_iops / (busiest * requests))
    if machine.disk_mib_s:
        limits["disk throughput"] = described(machine.disk_mib_s * KIB / kind.block_kib / busiest)
    return limits


def _disk_us(found: Coefficients, machine: Machine) -> Interval:
    """One operation of the disk alone."""
    if machine.disk_us is not None:
        return exactly(machine.disk_us)
    if machine.disk_iops and not machine.throttled:
        return exactly(1e6 / machine.disk_iops)
    return found.lone.disk if found.lone else NOTHING


def _latency_us(found: Coefficients, kind: Operations, machine: Machine) -> Interval:
    """One operation with nothing before it in the queue, reads and writes by their share."""
    lone = found.lone
    if lone is None:
        raise ValueError("the parts of a lone operation were not measured")
    disk = _disk_us(found, machine)
    trip = lone.round_trip if machine.round_trip_us is None else exactly(machine.round_trip_us)
    if machine.link_mbit_s and not machine.throttled:
        sent = (kind.block_kib * KIB + HEADER_BYTES) * 8 / PAYLOAD_SHARE / machine.link_mbit_s
        trip = trip.plus(exactly(sent))
    write = lone.own.plus(disk).plus(trip)
    read = lone.serving.plus(disk)
    share = kind.write_share
    return _widened(write.times(share).plus(read.times(1 - share)))


def latency_us(kind: Operations, expected: Expected) -> Interval:
    """Return the mean latency: what is in flight over what is done in a second (Little)."""
    return expected.rate.under(kind.depth * 1e6)


def overhead(expected_raw: Expected, expected_mirrored: Expected) -> Interval:
    """Return the share of the raw disk's operations that mirroring takes; the raw disk is what it is said to be."""
    base, rate = expected_raw.rate.middle, expected_mirrored.rate
    middle, low, high = (max(0.0, 1 - one / base) for one in (rate.middle, rate.high, rate.low))
    return Interval(middle, min(low, middle), max(high, middle))


# -- copies and the link


def copy_mib_s(found: Coefficients, machine: Machine, piece_kib: int = PIECE_KIB) -> Expected:
    """Return MiB a second of a full copy while nobody writes."""
    if found.copy is None:
        raise ValueError("no full copy was measured")
    run_mib = _run_kib(piece_kib) / KIB
    limits = {}
    if machine.processors:
        limits["processor of the source"] = found.copy.source_us_per_mib.under(1e6)
        limits["processor of the target"] = found.copy.target_us_per_mib.under(1e6)
    else:
        limits[AS_MEASURED] = found.copy.mib_s
    if machine.disk_iops:
        limits["disk"] = described(machine.disk_iops * run_mib)
    if machine.disk_mib_s:
        limits["disk throughput"] = described(machine.disk_mib_s)
    if machine.link_mbit_s:
        frames = piece_kib * KIB / (piece_kib * KIB + HEADER_BYTES)
        limits["link"] = described(machine.link_mbit_s * 1e6 / 8 * PAYLOAD_SHARE * frames / MIB)
    if found.lone and (machine.round_trip_us is not None or machine.disk_us is not None):
        trip = exactly(machine.round_trip_us) if machine.round_trip_us is not None else found.lone.round_trip
        around = _disk_us(found, machine).times(2).plus(trip)
        if around.low:
            limits["a run at a time"] = around.under(run_mib * 1e6)
    return lowest(limits)


def _run_kib(piece_kib: int) -> int:
    """What one request of the disk may gather."""
    return piece_kib * max(1, min(PIECES_MAX, (LONG_BYTES // KIB) // piece_kib))


def rebuild_s(expected: Expected, size_bytes: int) -> Interval:
    """Return the seconds of a full copy of so many bytes."""
    return expected.rate.under(size_bytes / MIB)


def link_needed_mbit_s(write_mib_s: float, block_kib: float) -> float:
    """Return the link that carries so many written MiB a second in writes of one size."""
    framed = (block_kib * KIB + HEADER_BYTES) / (block_kib * KIB)
    return write_mib_s * MIB * 8 * framed / PAYLOAD_SHARE / 1e6


# -- outages


def outage_s(detection_s: float, partition_s: float, resources_s: float, interval_s: float) -> Interval:
    """Return the outage of a server's loss; its last heartbeat may have come up to an interval before."""
    total = detection_s + partition_s + resources_s
    return Interval(total, max(0.0, total - interval_s), total + interval_s)


def outages_a_year(outage: Interval) -> dict[str, float]:
    """Return how many such outages a year leave each availability, at the longest."""
    return {f"{each:g} %": YEAR_S * (1 - each / 100) / outage.high for each in AVAILABILITIES}
