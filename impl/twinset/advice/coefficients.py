"""What a mirror was measured to cost on some machine: the file that `python -m perf --coefficients FILE` writes. Pure.

Every figure is `[middle, low, high]`: the mean of the rounds, and the bounds within which nine of ten further rounds
of that machine lie. The layout is in impl/docs/coefficients.md; a change of it takes a new FORMAT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = 1


@dataclass(frozen=True)
class Interval:
    """A figure and the bounds of nine of ten further ones."""

    middle: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.middle <= self.high:
            raise ValueError(f"{self.middle} does not lie within {self.low} to {self.high}")

    def times(self, factor: float) -> Interval:
        """Return all three, so many times as large."""
        return Interval(self.middle * factor, self.low * factor, self.high * factor)

    def under(self, amount: float) -> Interval:
        """Return the amount divided by each: a rate from a time, a time from a rate."""
        return Interval(amount / self.middle, amount / self.high, amount / self.low)

    def plus(self, other: Interval) -> Interval:
        """Return the sum, bounds with bounds: wider than chance would have it, never narrower."""
        return Interval(self.middle + other.middle, self.low + other.low, self.high + other.high)

    def as_list(self) -> list[float]:
        """Return it as the file has it; five digits are more than there is."""
        return [float(f"{value:.5g}") for value in (self.middle, self.low, self.high)]


NOTHING: Final = Interval(0.0, 0.0, 0.0)


def exactly(value: float) -> Interval:
    """Return a figure that is known."""
    return Interval(value, value, value)


@dataclass(frozen=True)
class Operations:
    """One workload: so many operations of one size in flight, some of them writes."""

    block_kib: float
    depth: int
    write_share: float
    raw_iops: Interval
    mirrored_iops: Interval
    active_us: Interval  # processor time of the active server's mirror process, an operation
    standby_us: Interval  # of the standby one's; an operation, not a write


@dataclass(frozen=True)
class Lone:
    """The parts of one 4 KiB operation with nothing else in flight, microseconds."""

    own: Interval  # what a write takes beyond the disks and the round trip
    serving: Interval  # what a read takes beyond the disk
    disk: Interval
    round_trip: Interval


@dataclass(frozen=True)
class CopyCost:
    """A full copy while nobody writes."""

    mib_s: Interval
    source_us_per_mib: Interval
    target_us_per_mib: Interval


@dataclass(frozen=True)
class Coefficients:
    """One machine's. `processors` carried both servers, both disks and the client."""

    processors: int
    operations: Mapping[str, Operations]
    lone: Lone | None
    copy: CopyCost | None
    switching_s: Mapping[str, float]  # a kind of resource, or "client": the seconds of its part of a switch
    about: Mapping[str, Any]


def parse(body: Any) -> Coefficients:
    """Return what a file's JSON says; raise Refusal with the reason when it is none of these files."""
    if not isinstance(body, dict) or body.get("format") != FORMAT or "operations" not in body:
        found = body.get("format") if isinstance(body, dict) else None
        raise Refusal(
            "E_FORMAT", f"no measured coefficients in format {FORMAT} (found {found!r})",
            help="python -m perf report RUN.json --coefficients FILE",
        )  # fmt: skip
    try:
        return Coefficients(
            processors=int(body["processors"]),
            operations={name: _operations(entry) for name, entry in body["operations"].items()},
            lone=Lone(**_intervals(body["lone_us"])) if body.get("lone_us") else None,
            copy=CopyCost(**_intervals(body["copy"])) if body.get("copy") else None,
            switching_s={name: float(value) for name, value in body.get("switching_s", {}).items()},
            about={name: body[name] for name in ("when", "machine", "commit") if name in body},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refusal("E_FORMAT", f"the file of coefficients is damaged: {error!r}") from error


def _intervals(entry: Mapping[str, Any]) -> dict[str, Interval]:
    return {name: Interval(*(float(value) for value in values)) for name, values in entry.items()}


def _operations(entry: Mapping[str, Any]) -> Operations:
    plain = ("block_kib", "depth", "write_share")
    found = Operations(
        block_kib=float(entry["block_kib"]),
        depth=int(entry["depth"]),
        write_share=float(entry["write_share"]),
        **_intervals({name: values for name, values in entry.items() if name not in plain}),
    )
    if not (found.block_kib > 0 and found.depth > 0 and 0 <= found.write_share <= 1):
        raise ValueError(f"{found.block_kib} KiB, depth {found.depth}, share of writes {found.write_share}")
    return found


def as_json(found: Coefficients) -> dict[str, Any]:
    """Return the file's JSON."""

    def plain(entry: Any) -> dict[str, Any]:
        return {
            name: value.as_list() if isinstance(value, Interval) else value
            for name, value in vars(entry).items()
        }

    return {
        "format": FORMAT,
        "measured_by": "perf",
        **found.about,
        "processors": found.processors,
        "operations": {name: plain(entry) for name, entry in found.operations.items()},
        "lone_us": plain(found.lone) if found.lone else None,
        "copy": plain(found.copy) if found.copy else None,
        "switching_s": dict(found.switching_s),
    }
