"""Disks described as data become images, and the reference says what it thinks of them."""

import struct
import tempfile
from pathlib import Path
from typing import Any

from harness.adapters.lines import FAILED, REFUSED, Answer, Args, needed

SECTOR = 512
TYPES = {"plain": 0x83, "cluster": 0xDA, "extended": 0x0F, "gpt": 0xEE, "ldm": 0x42, "lvm": 0x8E, "md": 0xFD}
_ENTRY = struct.Struct("<B3sB3sII")
_CHS_BEYOND = b"\xfe\xff\xff"
_MARK = b"\x55\xaa"
# What the beginning of a partition looks like when it holds a file system: offset and signature.
CONTENTS = {"ext4": (0x438, b"\x53\xef"), "ntfs": (3, b"NTFS    "), "vfat": (82, b"FAT32   ")}

Partition = dict[str, Any]


def inspect_disk(args: Args) -> dict[str, Any]:
    """What the reference finds when it is given the described disk, and another one beside it."""
    from twinset.disks import pair

    found = _inspected(needed(args, "disk", dict))
    findings = [finding.as_json() for finding in found.findings]
    if args.get("other"):
        sides = [pair.Side.of_json(each.as_json()) for each in (found, _inspected(args["other"]))]
        findings += [finding.as_json() for finding in pair.compare(*sides)]
    return {"accepted": not any(f["severity"] == "error" for f in findings), "findings": findings}


def adjust_disk(args: Args) -> dict[str, Any]:
    """The partitions of a disk after they were adjusted to those of another one."""
    from twinset.disks.adjust import adjusted
    from twinset.disks.pair import Side
    from twinset.errors import Refusal

    found = _inspected(needed(args, "disk", dict))
    other = Side.of_json(_inspected(needed(args, "other", dict)).as_json())
    try:
        made = adjusted(found.facts.size_bytes, SECTOR, found.partitions, other.data)
    except Refusal as refusal:
        raise Answer(REFUSED, refusal.message, refusal.code) from refusal
    return {
        "partitions": [
            {"number": part.number, "start_bytes": part.start_bytes, "size_bytes": part.length_bytes}
            for part in made.partitions
        ]
    }


def _inspected(disk: dict[str, Any]) -> Any:
    """An image of the disk, and the facts that no image can show, before the reference's own eyes."""
    from twinset.disks.facts import DiskFacts, Use
    from twinset.disks.inspection import inspect

    uses = [Use(part, kind, what) for part, kind, what in _USES[disk.get("holds")]]
    facts = DiskFacts(
        path="disk", device="sdx", size_bytes=disk["size_bytes"], removable=bool(disk.get("removable")),
        array=disk.get("array"), model=disk.get("model", ""), uses=tuple(uses),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "disk.img"
        write_image(image, disk)
        with image.open("rb") as file:

            def read(offset: int, size: int) -> bytes:
                file.seek(offset)
                return file.read(size)

            return inspect(facts, read)


# What somebody on the server does with the disk: partition, kind of use, place.
_USES: dict[str | None, list[tuple[int, str, str]]] = {
    None: [],
    "system": [(2, "mounted", "/")],
    "swap": [(2, "swap", "/dev/sdx2")],
    "mounted": [(2, "mounted", "/srv")],
}


def write_image(path: Path, disk: dict[str, Any]) -> None:
    """A sparse image with the described partition table and the signatures of what it holds."""
    partitions = disk["partitions"]
    primary = [p for p in partitions if p["kind"] == "primary"]
    logical = sorted((p for p in partitions if p["kind"] == "logical"), key=lambda p: p["number"])
    kind = _kind(disk)
    slots: dict[int, tuple[int, int, int]] = {
        p["number"]: (kind or TYPES["cluster" if p["number"] == 1 else "plain"], *_sectors(p))
        for p in primary
    }
    with path.open("wb") as image:
        image.truncate(disk["size_bytes"])
        if logical:
            base = _sectors(logical[0])[0] - 1
            free = next((n for n in range(1, 5) if n not in slots), None)
            if free is None:
                raise Answer(FAILED, "four primary partitions leave no place for logical ones", "E_SYNTAX")
            slots[free] = (TYPES["extended"], base, disk["size_bytes"] // SECTOR - base)
            _write_chain(image, logical, base)
        image.seek(0)
        image.write(_table(slots))
        for partition in partitions:
            if partition.get("content"):
                offset, signature = CONTENTS[partition["content"]]
                image.seek(partition["start_bytes"] + offset)
                image.write(signature)
        if disk.get("former_set"):
            _write_record(image, partitions[0]["start_bytes"])


def _kind(disk: dict[str, Any]) -> int | None:
    """The type byte that a disk's label or its owner puts on every partition."""
    for word in (disk.get("label"), disk.get("member_of")):
        if word in TYPES:
            return TYPES[word]
    return None


def _sectors(partition: Partition) -> tuple[int, int]:
    return partition["start_bytes"] // SECTOR, partition["size_bytes"] // SECTOR


def _table(slots: dict[int, tuple[int, int, int]]) -> bytes:
    """One sector with up to four entries: slot -> (type, first sector, sectors)."""
    sector = bytearray(SECTOR)
    struct.pack_into("<I", sector, 440, 0x7E15)
    for slot, (kind, first, count) in slots.items():
        _ENTRY.pack_into(sector, 446 + 16 * (slot - 1), 0, _CHS_BEYOND, kind, _CHS_BEYOND, first, count)
    sector[510:] = _MARK
    return bytes(sector)


def _write_chain(image: Any, logical: list[Partition], base: int) -> None:
    """The small table one sector before each logical partition, each pointing to the next."""
    for here, following in zip(logical, [*logical[1:], None], strict=True):
        at = _sectors(here)[0] - 1
        slots = {1: (TYPES["plain"], 1, _sectors(here)[1])}
        if following is not None:
            start, count = _sectors(following)
            slots[2] = (TYPES["extended"], start - 1 - base, count + 1)
        image.seek(at * SECTOR)
        image.write(_table(slots))


def _write_record(image: Any, start_bytes: int) -> None:
    """The record of a mirror set that nobody here knows, in both of its places."""
    from twinset.mirror import cluster_partition

    record = cluster_partition.Record(
        set_uuid=b"f" * 16, disk_uuid=b"d" * 16, server_name="elsewhere", cur=1,
        state=cluster_partition.State.IN_SYNC,
    )  # fmt: skip
    for offset in cluster_partition.RECORD_OFFSETS:
        image.seek(start_bytes + offset)
        image.write(cluster_partition.encode(record, 1))
