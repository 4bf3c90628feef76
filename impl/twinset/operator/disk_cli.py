"""`twinset disk`: what an operator does with a disk before and after it is part of a mirror set. No daemon."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinset.disks import changes, pair, sizes
from twinset.disks.adjust import adjusted
from twinset.disks.plan import TAIL_BYTES_DEFAULT, Plan, plan
from twinset.errors import Refusal, TwinsetError
from twinset.finding import errors, warning
from twinset.operator import disk_render, local
from twinset.shell import disk_facts, disk_tools
from twinset.shell.paths import Paths

if TYPE_CHECKING:
    from twinset.disks.inspection import Inspection

app = typer.Typer(no_args_is_help=True, help="Disks of this server: look, prepare, clear.")

Json = Annotated[bool, typer.Option("--json", help="print JSON for programs")]
DiskPath = Annotated[str, typer.Argument(metavar="PATH", help="a whole disk, or an image file")]
ClusterMib = Annotated[int, typer.Option("--cluster-mib", help="size of the CLUSTER partition in MiB")]
Data = Annotated[
    str,
    typer.Option("--data", metavar="SIZE[,SIZE...]", help="data partitions: 10G, 512M, bytes, or rest"),
]
Tail = Annotated[
    str, typer.Option("--reserve-tail", metavar="SIZE", help="what stays unused at the end of the disk")
]
Discard = Annotated[
    str, typer.Option("--discard", metavar="NAME[,NAME...]", help="what may be lost, by the names shown")
]
Yes = Annotated[bool, typer.Option("--yes", help="write; without it only show what would be written")]

TAIL_DEFAULT = f"{TAIL_BYTES_DEFAULT >> 20}M"


def _state() -> Path:
    return Paths.from_environment().state


@app.command("list")
def list_disks(as_json: Json = False) -> None:
    """Show every disk of this server and whether it can be one side of a mirror set."""

    def work() -> int:
        found = [_seen(path) for path in disk_facts.paths_of_disks()]
        if as_json:
            local.print_json(found)
        else:
            disk_render.disks(found)
        return 0 if any(each["usable"] for each in found) else local.REFUSED

    local.guarded(work, as_json=as_json)


def _seen(path: str) -> dict[str, Any]:
    try:
        values = disk_tools.look(path, _state()).as_json()
    except TwinsetError as error:
        return {"path": path, "size_bytes": None, "usable": False, "reason": str(error)}
    wrong = [each["message"] for each in values["findings"] if each["severity"] == "error"]
    return {
        "path": path,
        "size_bytes": values["size_bytes"],
        "usable": values["usable"],
        "reason": "; ".join(wrong),
    }


@app.command("inspect")
def inspect(
    path: DiskPath,
    other: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="the other server's disk, as `inspect --json` printed it there"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is on a disk and whether it can be one side of a mirror set; reads only."""

    def work() -> int:
        found = disk_tools.look(path, _state())
        values = found.as_json()
        findings = list(found.findings)
        if other is not None:
            findings += pair.compare(pair.Side.of_json(values), _other(other))
            values["findings"] = [finding.as_json() for finding in findings]
            values["usable"] = not errors(findings)
        if as_json:
            local.print_json(values)
        else:
            disk_render.inspection(found, findings)
        return local.REFUSED if errors(findings) else 0

    local.guarded(work, as_json=as_json)


def _to_be_written(path: str, discard: str) -> tuple[Inspection, list[str]]:
    """A disk that may get another table, and the names of what goes with the old one."""
    found, names = disk_tools.look(path, _state()), _names(discard)
    changes.refuse_prepare(found, names)
    return found, names


def _other(path: Path) -> pair.Side:
    try:
        return pair.Side.of_json(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise Refusal("E_NOTFOUND", f"{path}: {error}", help="twinset disk inspect PATH --json") from None


@app.command("prepare")
def prepare(
    path: DiskPath,
    cluster_mib: ClusterMib,
    data: Data,
    reserve_tail: Tail = TAIL_DEFAULT,
    other: Annotated[
        str, typer.Option(metavar="SIZE", help="size of the other server's disk: use what both have")
    ] = "",
    discard: Discard = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Write a partition table for a mirror disk; shows it only, unless told --yes."""

    def work() -> int:
        found, names = _to_be_written(path, discard)
        _written(found, _plan(found, cluster_mib, data, reserve_tail, other), names, yes=yes, as_json=as_json)
        return 0

    local.guarded(work, as_json=as_json)


@app.command("adjust")
def adjust(
    path: DiskPath,
    other: Annotated[
        Path,
        typer.Option(metavar="FILE", help="the other server's disk, as `inspect --json` printed it there"),
    ],
    discard: Discard = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Give the data partitions the sizes of the other server's, moving them into the unused area at the end."""

    def work() -> int:
        found, names = _to_be_written(path, discard)
        facts = found.facts
        made = adjusted(facts.size_bytes, facts.sector_bytes, found.partitions, _other(other).data)
        _written(found, made, names, yes=yes, as_json=as_json)
        return 0

    local.guarded(work, as_json=as_json)


def _written(found: Inspection, made: Plan, names: list[str], *, yes: bool, as_json: bool) -> None:
    """Write a table where that was asked for, and show it."""
    path = found.facts.path
    note = disk_tools.prepare(path, made, names, disk_tools.random_id(), _state()) if yes else ""
    lost = [thing for thing in changes.things(found) if thing.name in names]
    if as_json:
        local.print_json(_prepared(path, made, lost, note, written=yes))
    else:
        disk_render.prepared(path, made, lost, note, written=yes)


def _plan(found: Inspection, cluster_mib: int, data: str, reserve_tail: str, other: str) -> Plan:
    """Plan for the smaller of both disks, then take the place of the own one."""
    size, tail, sector = found.facts.size_bytes, sizes.parse(reserve_tail), found.facts.sector_bytes
    wanted = sizes.parse_list(data)
    if other:
        smaller = plan(min(size, sizes.parse(other)), cluster_mib << 20, wanted, tail_bytes=tail)
        wanted = tuple(part.length_bytes for part in smaller.partitions[1:])
    return plan(size, cluster_mib << 20, wanted, tail_bytes=tail, sector_bytes=sector)


def _names(discard: str) -> list[str]:
    return [name.strip() for name in discard.split(",") if name.strip()]


def _prepared(path: str, made: Plan, lost: list[changes.Thing], note: str, *, written: bool) -> Any:
    return {
        "path": path,
        "written": written,
        "note": note,
        "discarded": [{"name": thing.name, "what": thing.what} for thing in lost],
        "tail_bytes": made.tail_bytes,
        "partitions": [
            {
                "number": part.number,
                "primary": part.primary,
                "start_bytes": part.start_bytes,
                "size_bytes": part.length_bytes,
            }
            for part in made.partitions
        ],
    }


@app.command("match")
def match(
    disks: Annotated[
        list[str], typer.Argument(metavar="DISK DISK", help="both disks: a size (10G, bytes), or a path here")
    ],
    cluster_mib: ClusterMib = 4,
    data: Data = sizes.REST,
    reserve_tail: Tail = TAIL_DEFAULT,
    as_json: Json = False,
) -> None:
    """Say which partition sizes make two unequal disks equal sides, and how to prepare each."""

    def work() -> int:
        if len(disks) != 2:
            raise Refusal("E_RANGE", f"{len(disks)} disks, a mirror set has two", "7.1.1-01")
        both = [_size_of(disk) for disk in disks]
        tail, wanted = sizes.parse(reserve_tail), sizes.parse_list(data)
        made = plan(min(both), cluster_mib << 20, wanted, tail_bytes=tail)
        lengths = [part.length_bytes for part in made.partitions[1:]]
        findings = [] if both[0] == both[1] else [_unequal(both)]
        if as_json:
            local.print_json(
                {
                    "disks": [
                        {"size_bytes": size, "tail_bytes": size - made.partitions[-1].end_bytes}
                        for size in both
                    ],
                    "cluster_mib": cluster_mib,
                    "data_bytes": lengths,
                    "findings": [finding.as_json() for finding in findings],
                }
            )
        else:
            disk_render.matched(both, made, cluster_mib, reserve_tail, findings)
        return 0

    local.guarded(work, as_json=as_json)


def _size_of(disk: str) -> int:
    if "/" in disk:
        return disk_tools.look(disk, _state()).facts.size_bytes
    return sizes.parse(disk)


def _unequal(both: list[int]) -> Any:
    return warning(
        "W_SIZE", "", f"the disks have {both[0]} and {both[1]} bytes: take disks of one size",
        clause="4.1.1-01", value=both[0], limit=both[1],
        help="the sizes below use what both have; the rest of the larger one stays unused",
    )  # fmt: skip


@app.command("clear")
def clear(
    path: DiskPath,
    partitions: Annotated[
        bool, typer.Option("--partitions", help="delete the partitions too: the disk leaves the cluster")
    ] = False,
    discard: Discard = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Remove the record of a former mirror set, so that the disk can be used again; the data stays."""

    def work() -> int:
        found = disk_tools.look(path, _state())
        names = _names(discard)
        changes.refuse_clear(found, names, partitions=partitions)
        note = disk_tools.clear(path, names, _state(), partitions=partitions) if yes else ""
        if as_json:
            record = found.record.as_json() if found.record is not None else None
            local.print_json(
                {"path": path, "written": yes, "partitions": partitions, "note": note, "record": record}
            )
        else:
            disk_render.cleared(found, note, partitions=partitions, written=yes)
        return 0

    local.guarded(work, as_json=as_json)
