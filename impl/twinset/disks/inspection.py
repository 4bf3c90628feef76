"""One look at a disk: partitions, what they hold, the record in the CLUSTER partition, and the judgement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from twinset.finding import Finding, errors
from twinset.mirror import disk_layout, partition_table, record_report, signatures

from . import judge
from .facts import WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinset.mirror.disk_layout import Partition
    from twinset.mirror.partition_table import Table
    from twinset.mirror.record_report import RecordReport
    from twinset.mirror.signatures import Read

    from .facts import DiskFacts

CLUSTER, DATA, NONE = "CLUSTER", "data", "none"
_HEAD_BYTES: Final = 1 << 20
_PATH: Final = "PATH"  # in the next step of a rule that does not know the disk


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found, and what follows from it."""

    facts: DiskFacts
    table: Table | None
    partitions: tuple[Partition, ...]
    contents: Mapping[int, tuple[str, ...]]  # by partition number; WHOLE: marks of the disk itself
    blank: bool  # no byte in the first MiB: a new disk
    record: RecordReport | None  # None: no CLUSTER partition to read
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """True when the disk can be one side of a mirror set."""
        return not errors(self.findings)

    @property
    def tail_bytes(self) -> int:
        """The unused area at the end of the disk (2.1.3-03)."""
        return self.facts.size_bytes - max((part.end_bytes for part in self.partitions), default=0)

    def as_json(self) -> dict[str, Any]:
        """Return it as `twinset disk inspect --json` prints it."""
        facts = self.facts
        return {
            "path": facts.path,
            "device": facts.device,
            "usable": self.usable,
            "size_bytes": facts.size_bytes,
            "sector_bytes": facts.sector_bytes,
            "physical_sector_bytes": facts.physical_sector_bytes,
            "tail_bytes": self.tail_bytes,
            "model": facts.model,
            "transport": facts.transport,
            "controller": facts.controller,
            "array": facts.array,
            "write_cache": facts.write_cache,
            "uses": [{"partition": u.partition, "kind": u.kind, "what": u.what} for u in facts.uses],
            "contents": list(self.contents.get(WHOLE, ())),
            "blank": self.blank,
            "partitions": [
                {
                    "number": part.number,
                    "role": role(part),
                    "kind": f"{part.kind:#04x}",
                    "primary": part.primary,
                    "start_bytes": part.start_bytes,
                    "size_bytes": part.length_bytes,
                    "contents": list(self.contents.get(part.number, ())),
                }
                for part in self.partitions
            ],
            "record": None if self.record is None else self.record.as_json(),
            "findings": [finding.as_json() for finding in self.findings],
        }


def role(partition: Partition) -> str:
    """Return what a partition is for in a mirror set (4.1.3-01, 4.1.3-04)."""
    if not partition.basic:
        return NONE
    return CLUSTER if partition.number == 1 else DATA


def inspect(
    facts: DiskFacts,
    read: Read,
    known_disks: Mapping[str, bytes] | None = None,
) -> Inspection:
    """Look at a disk through `read(offset, length)`, which is short at its end; judge what is there."""
    sector, size = facts.sector_bytes, facts.size_bytes
    table = partition_table.read(lambda number: read(number * sector, sector))
    partitions = () if table is None else disk_layout.ranges(table, sector)
    contents = _contents(read, size, sector, partitions)
    record = None
    if partitions and role(partitions[0]) == CLUSTER:
        start, length = partitions[0].start_bytes, partitions[0].length_bytes
        record = record_report.report(lambda at, count: read(start + at, max(0, min(count, length - at))))
    refusals = disk_layout.refusals(table, size, sector)
    found = (
        *judge.by_facts(facts),
        *judge.by_layout(refusals, contents),
        *judge.by_contents(contents),
        *judge.by_record(record, known_disks or {}, facts.path, formatted=bool(contents.get(1))),
        *judge.by_advice(facts, partitions),
    )
    findings = tuple(replace(each, help=each.help.replace(_PATH, facts.path)) for each in found)
    blank = not any(read(0, _HEAD_BYTES))
    return Inspection(facts, table, partitions, contents, blank, record, findings)


def _contents(
    read: Read, size: int, sector: int, partitions: tuple[Partition, ...]
) -> dict[int, tuple[str, ...]]:
    found = {WHOLE: signatures.of_whole_disk(read, size, sector)}
    for part in partitions:
        name = signatures.content(_within(read, part.start_bytes), part.length_bytes)
        found[part.number] = (name,) if name else ()
    return found


def _within(read: Read, start: int) -> Read:
    """Return `read` relative to a place."""
    return lambda offset, length: read(start + offset, length)
