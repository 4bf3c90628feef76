"""The two disks of a mirror set side by side: what cannot mirror each other, what the guide advises against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinset.finding import Finding, error, warning

from .judge import TAIL_BYTES_ADVISED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Side:
    """One disk as `twinset disk inspect --json` tells of it; the other server's arrives as that text."""

    path: str
    size_bytes: int
    tail_bytes: int
    model: str
    transport: str
    controller: str
    array: bool | None
    data: Mapping[int, tuple[int, int]]  # number -> place behind the first data partition, length

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Side:
        """Take what `inspect --json` printed; ValueError when it is something else."""
        try:
            data = [part for part in values["partitions"] if part["number"] != 1]
            first = min((int(part["start_bytes"]) for part in data), default=0)
            array = values["array"]
            return cls(
                str(values["path"]), int(values["size_bytes"]), int(values["tail_bytes"]),
                str(values["model"]), str(values["transport"]), str(values["controller"]),
                None if array is None else bool(array),
                {
                    int(part["number"]): (int(part["start_bytes"]) - first, int(part["size_bytes"]))
                    for part in data
                },
            )  # fmt: skip
        except (KeyError, TypeError, AttributeError) as cause:
            raise ValueError(f"not what `twinset disk inspect --json` prints: {cause!r}") from None


def compare(mine: Side, other: Side) -> Iterator[Finding]:
    """Judge two disks as the sides of one mirror set."""
    fit = list(_partitions(mine, other))
    yield from fit
    if mine.size_bytes != other.size_bytes:
        yield warning(
            "W_SIZE", "disk", f"has {mine.size_bytes} bytes, the other one {other.size_bytes}: take disks of one size",
            clause="4.1.1-01", value=mine.size_bytes, limit=other.size_bytes,
            help=f"twinset disk match {mine.size_bytes} {other.size_bytes} says which sizes fit both",
        )  # fmt: skip
    kinds = [(side.model, side.transport) for side in (mine, other)]
    unlike = mine.size_bytes != other.size_bytes or (kinds[0] != kinds[1] and all(map(any, kinds)))
    tail = min(mine.tail_bytes, other.tail_bytes)
    if unlike and tail < TAIL_BYTES_ADVISED and not fit:
        yield warning(
            "W_NO_TAIL", "disk", f"of two disks that differ, one has {tail} bytes unused at its end",
            clause="2.1.3-03", value=tail, limit=TAIL_BYTES_ADVISED,
            help="the next disk that replaces one of them may be a little smaller: leave a tail (disk prepare)",
        )  # fmt: skip
    if kinds[0] != kinds[1] and all(map(any, kinds)):
        yield warning(
            "W_DISK_MISMATCH", "disk", f"is {_kind(mine)}, the other one {_kind(other)}: the slower one sets the pace",
            clause="2.1.3-01", value=_kind(mine), limit=_kind(other), help="take disks of one kind",
        )  # fmt: skip
    if mine.controller and other.controller and mine.controller != other.controller:
        yield warning(
            "W_HW_MISMATCH", "disk", f"is driven by {mine.controller}, the other one by {other.controller}",
            clause="4.1.1-02", value=mine.controller, limit=other.controller, help="take servers of one kind",
        )  # fmt: skip
    if {mine.array, other.array} == {True, False}:
        yield warning(
            "W_ARRAY_MIX", "disk", "an array on one side and a single disk on the other are not recommended",
            clause="4.1.5-04", value=mine.array, limit=other.array, help="an array on both sides",
        )  # fmt: skip


def _kind(side: Side) -> str:
    return " ".join(word for word in (side.model, side.transport) if word)


def _partitions(mine: Side, other: Side) -> Iterator[Finding]:
    """Data partitions have one number, one size and one place on both disks (4.1.1-01, 2.1.3-04)."""
    help_text = f"twinset disk match {mine.size_bytes} {other.size_bytes} says how to prepare both"
    for number in sorted({*mine.data, *other.data}):
        here, there = mine.data.get(number), other.data.get(number)
        path = f"partition {number}"
        if here is None or there is None:
            yield error(
                "E_PARTITION", path, f"is on {mine.path if there is None else other.path} only",
                clause="2.1.3-04", value=number, help=help_text,
            )  # fmt: skip
        elif here[1] != there[1]:
            yield error(
                "E_PARTITION", path, f"has {here[1]} bytes here and {there[1]} on the other disk",
                clause="4.1.1-01", value=here[1], limit=there[1], help=help_text,
            )  # fmt: skip
        elif here[0] != there[0]:
            yield error(
                "E_PARTITION", path, f"lies {here[0]} bytes behind the first one here and {there[0]} there",
                clause="2.1.3-04", value=here[0], limit=there[0], help=help_text,
            )  # fmt: skip
