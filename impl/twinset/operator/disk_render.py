"""How disks look to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinset.disks import changes, sizes
from twinset.disks.facts import WHOLE
from twinset.disks.inspection import Inspection, role
from twinset.finding import errors
from twinset.operator import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from twinset.disks.changes import Thing
    from twinset.disks.plan import Plan
    from twinset.finding import Finding
    from twinset.mirror.disk_layout import Partition
    from twinset.mirror.record_report import RecordReport


def disks(found: Sequence[Mapping[str, Any]]) -> None:
    """Show all disks, the unsuitable ones with every reason (4.1.2-01)."""
    console = Console()
    for each in found:
        size = "" if each["size_bytes"] is None else f" {sizes.show(each['size_bytes'])}"
        style, word = ("green", "can be a mirror disk") if each["usable"] else ("red", "cannot")
        line = Text(f"{each['path']}{size}: ")
        line.append(word, style=style)
        line.append(f": {each['reason']}" if each["reason"] else "")
        console.print(line, soft_wrap=True)
    if not any(each["usable"] for each in found):
        console.print(
            Text("no disk can be a mirror disk as it is: add one, or prepare one [4.1.2-01]"), soft_wrap=True
        )


def inspection(found: Inspection, found_all: Sequence[Finding]) -> None:
    """Show a disk: what it is, its partitions, its record, what follows."""
    console = Console()
    facts = found.facts
    words = [sizes.show(facts.size_bytes), f"sectors of {facts.sector_bytes} bytes"]
    words += [word for word in (facts.model, facts.transport, facts.write_cache) if word]
    words += ["image file"] if not facts.block_device else []
    console.print(Text(f"{facts.path}: {', '.join(words)}", style="bold"), soft_wrap=True)
    for use in facts.uses:
        console.print(Text(f"  {use.where}: {use.kind} {use.what}"), soft_wrap=True)
    for mark in found.contents.get(WHOLE, ()):
        console.print(Text(f"  the disk: {mark}"))
    if found.partitions:
        _partitions(console, found.partitions, found)
        console.print(Text(f"unused at the end: {sizes.show(max(0, found.tail_bytes))}"))
    if found.record is not None and not found.contents.get(1):
        _record(console, found.record)
    render.findings(console, found_all)
    things = ", ".join(thing.name for thing in changes.things(found))
    if errors(found_all):
        console.print(Text(f"{facts.path} cannot be a mirror disk", style="red"), soft_wrap=True)
        if things:
            console.print(Text(f"holds, by the names that --discard takes: {things}"), soft_wrap=True)
    else:
        console.print(Text(f"{facts.path} can be a mirror disk", style="green"), soft_wrap=True)


def _partitions(console: Console, parts: Sequence[Partition], found: Inspection | None = None) -> None:
    table = Table(
        "partition", "role", "", "begins at", "size", "holds", box=None, pad_edge=False, header_style="dim"
    )
    for part in parts:
        holds = ", ".join(found.contents.get(part.number, ())) if found is not None else ""
        kind = "primary" if part.primary else "logical"
        table.add_row(
            str(part.number),
            role(part),
            kind,
            sizes.show(part.start_bytes),
            sizes.show(part.length_bytes),
            holds,
        )
    console.print(table)


def _record(console: Console, report: RecordReport) -> None:
    """Show the record of the CLUSTER partition."""
    if report.record is None:
        console.print(Text(f"record: {report.damage or 'none, never registered'}"), soft_wrap=True)
        return
    record = report.record
    table = Table("record", "", box=None, pad_edge=False, header_style="dim")
    table.add_row("state", record.state.name)
    table.add_row("generation", f"{record.cur:016x} (based on {record.base:016x})")
    table.add_row("mirror set", record.set_uuid.hex())
    table.add_row("this disk", record.disk_uuid.hex())
    table.add_row("server", f"{record.server_name or '-'} {record.server_uuid.hex()}")
    table.add_row("other disk", record.peer_disk_uuid.hex())
    closed = "in order" if record.clean else f"not in order, as {record.role.name}" if record.open else "no"
    table.add_row("closed", closed)
    table.add_row("mirrored area", sizes.show(record.size_bytes))
    for copy in report.copies:
        table.add_row(f"copy {copy.name}", copy.damage or f"whole, number {copy.counter}")
    table.add_row("difference map", report.map)
    console.print(table)


def prepared(path: str, made: Plan, lost: Sequence[Thing], note: str, *, written: bool) -> None:
    """Show a new table, written or not."""
    console = Console()
    console.print(
        Text(f"{path}: {'written' if written else 'would be written'}", style="bold"), soft_wrap=True
    )
    _partitions(console, made.partitions)
    console.print(Text(f"unused at the end: {sizes.show(made.tail_bytes)}"))
    for thing in lost:
        console.print(Text(f"{'lost' if written else 'would be lost'}: {thing.what}"), soft_wrap=True)
    if note:
        console.print(Text(note, style="yellow"), soft_wrap=True)
    if not written:
        console.print(Text("nothing was written; the same command with --yes writes it"))


def matched(both: Sequence[int], made: Plan, cluster_mib: int, tail: str, found: Sequence[Finding]) -> None:
    """Show sizes that fit two disks, and the command for either."""
    console = Console()
    render.findings(console, found)
    _partitions(console, made.partitions)
    for number, size in enumerate(both, start=1):
        left = sizes.show(size - made.partitions[-1].end_bytes)
        console.print(Text(f"disk {number}: {sizes.show(size)}, {left} unused at the end"), soft_wrap=True)
    lengths = ",".join(str(part.length_bytes) for part in made.partitions[1:])
    command = f"twinset disk prepare PATH --cluster-mib {cluster_mib} --data {lengths} --reserve-tail {tail}"
    console.print(Text(f"on either server: {command}"), soft_wrap=True)


def cleared(found: Inspection, note: str, *, partitions: bool, written: bool) -> None:
    """Show what was, or would be, removed."""
    console = Console()
    if found.record is not None:
        _record(console, found.record)
    what = "record and partitions" if partitions else "record"
    verb = "removed from" if written else "would be removed from"
    console.print(
        Text(f"{what} {verb} {found.facts.path}; the data partitions are not touched"), soft_wrap=True
    )
    if note:
        console.print(Text(note, style="yellow"), soft_wrap=True)
    if not written:
        console.print(Text("nothing was written; the same command with --yes does it"))
