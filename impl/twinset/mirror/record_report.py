"""What the CLUSTER partition of a disk says, both copies apart: for an operator, who must see damage as such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import cluster_partition as layout
from .cluster_partition import NO_ID, Record, RecordCorrupt, State

if TYPE_CHECKING:
    from .signatures import Read


@dataclass(frozen=True, slots=True)
class Copy:
    """One of the two slots."""

    name: str
    counter: int  # 0 when it cannot be read
    damage: str  # "" when it can; "blank" when there is nothing


@dataclass(frozen=True, slots=True)
class RecordReport:
    """Both slots and what they come to."""

    copies: tuple[Copy, ...]
    record: Record | None  # the one that counts; None without one, or when both copies are damaged
    counter: int
    damage: str  # what was bad of it: one copy, or (without a record) both
    map: str  # "none", "whole", or what is wrong with it

    @property
    def blank(self) -> bool:
        """True when nothing was ever registered here."""
        return self.record is None and not self.damage

    @property
    def alien(self) -> bool:
        """True when there is something, and it was never a record of ours."""
        marked = [copy.counter or not copy.damage.startswith(("magic", "blank")) for copy in self.copies]
        return bool(self.damage) and not any(marked)

    @property
    def registered(self) -> bool:
        """True when the disk is, or was, one side of a mirror set."""
        return self.record is not None and not unregistered(self.record)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "registered": self.registered,
            "counter": self.counter,
            "damage": self.damage,
            "copies": [{"name": c.name, "counter": c.counter, "damage": c.damage} for c in self.copies],
            "map": self.map,
            "fields": None if self.record is None else layout.to_json(self.record),
        }


def unregistered(record: Record) -> bool:
    """Tell whether a record is that of a disk which no mirror set has taken yet."""
    return record.state == State.BLANK and record.set_uuid == NO_ID and not record.cur


def report(read: Read) -> RecordReport:
    """Read both slots and the map; `read(offset, length)` is relative to the CLUSTER partition."""
    slots = [read(offset, layout.RECORD_BYTES) for offset in layout.RECORD_OFFSETS]
    copies = tuple(_copy(name, slot) for name, slot in zip("AB", slots, strict=True))
    try:
        choice = layout.choose(*slots)
    except RecordCorrupt as error:
        return RecordReport(copies, None, 0, error.reason, "none")
    record = choice.record
    found = "none" if record is None or not record.map_valid else _map(read, record, choice.counter)
    return RecordReport(copies, record, choice.counter, choice.damage or "", found)


def _copy(name: str, slot: bytes) -> Copy:
    try:
        _, counter = layout.decode(slot)
    except RecordCorrupt as error:
        return Copy(name, 0, error.reason)
    return Copy(name, counter, "")


def _map(read: Read, record: Record, counter: int) -> str:
    length = layout.map_bytes(record.size_bytes, record.extent_shift)
    if length > layout.MAP_BYTES_MAX:
        return f"{length} bytes do not fit the CLUSTER partition"
    try:
        header = read(layout.MAP_HEADER_OFFSET, layout.MAP_HEADER_BYTES)
        layout.check_map(header, read(layout.MAP_OFFSET, length), record, counter)
    except RecordCorrupt as error:
        return error.reason
    return "whole"
