"""Chapter 2.2.2.1, 4.1 and 7.1: mirror sets, their disks, partitions and letters."""

import re
from collections import Counter
from collections.abc import Iterator

from twinset.config.cluster import ClusterConfig, MirrorSet, same_name
from twinset.config.rules.common import (
    absolute_path,
    as_findings,
    at_most,
    duplicates,
    positive,
    server_names,
    unknown,
)
from twinset.config.rules.rule import Rule
from twinset.config.structure import shown
from twinset.finding import Finding, error
from twinset.guide import limits, names

# File systems that recover by their journal, as 5.2.2 relies on; NTFS is the guide's own (2.2.2.1-07).
FILESYSTEMS = ("ext4", "xfs", "ntfs")
# Arrays and logical volumes by the names that the kernel and LVM give them.
_COMPOSED = re.compile(r"/dev/(md|dm-|mapper/|disk/by-id/(md-|dm-|lvm-))")


def set_count(config: ClusterConfig) -> Iterator[Finding]:
    """At most eight mirror sets."""
    yield from at_most("mirror_set", len(config.mirror_sets), limits.MIRROR_SETS_MAX)


def set_names(config: ClusterConfig) -> Iterator[Finding]:
    """Mirror sets have names that differ and can be parts of file names."""
    named = [(f"mirror_set[{i}].name", item.name) for i, item in enumerate(config.mirror_sets)]
    for path, name in named:
        yield from as_findings(path, name, names.name_problems(name, names.MIRROR_SET))
    yield from duplicates(named, what="name", clause="")


def io_limits(config: ClusterConfig) -> Iterator[Finding]:
    """Size and number of requests are positive."""
    for i, item in enumerate(config.mirror_sets):
        yield from positive(f"mirror_set[{i}].max_io_kib", item.max_io_kib, clause="4.5.1-03")
        yield from positive(f"mirror_set[{i}].max_io_count", item.max_io_count, clause="4.5.1-03")


def disk_pair(config: ClusterConfig) -> Iterator[Finding]:
    """A mirror set has one disk on each server."""
    servers = server_names(config)
    clause = limits.DISKS_PER_SET.clause
    for i, item in enumerate(config.mirror_sets):
        path = f"mirror_set[{i}].disks"
        for j, disk in enumerate(item.disks):
            yield from unknown(f"{path}[{j}].server", disk.server, servers, what="server", clause=clause)
        for server in servers:
            count = sum(same_name(disk.server, server) for disk in item.disks)
            if count != 1:
                text = f'"{item.name}" has {count} disks on server {server}, exactly 1 is required'
                yield error("E_TOPOLOGY", path, text, clause=clause, value=count, limit=1)


def disk_paths(config: ClusterConfig) -> Iterator[Finding]:
    """A disk is a plain disk that belongs to one set."""
    placed: list[tuple[str, str]] = []
    for i, item in enumerate(config.mirror_sets):
        for j, disk in enumerate(item.disks):
            path = f"mirror_set[{i}].disks[{j}].path"
            placed.append((path, f"{disk.server.casefold()}:{disk.path}"))
            yield from absolute_path(path, disk.path, code="E_DISK", clause="7.1.1-01")
            if _COMPOSED.match(disk.path):
                text = f"{shown(disk.path)} is an array or a logical volume, a plain disk is expected"
                yield error("E_DISK", path, text, clause="2.2.2.1-12", value=disk.path)
    first: dict[str, str] = {}
    for path, place in placed:  # paths differ by case, so duplicates() would be wrong here
        before = first.setdefault(place, path)
        if before != path:
            text = f"{shown(place.partition(':')[2])} is the disk of {before} already"
            yield error("E_DUP", path, text, clause="7.1.1-01", value=place.partition(":")[2], limit=before)


def partition_numbers(config: ClusterConfig) -> Iterator[Finding]:
    """Data partitions follow the CLUSTER partition, which is the first of the disk."""
    for i, item in enumerate(config.mirror_sets):
        yield from _numbers(f"mirror_set[{i}].partitions", item)


def _numbers(path: str, item: MirrorSet) -> Iterator[Finding]:
    cluster_partition = limits.CLUSTER_PARTITION_NUMBER
    if not item.partitions:
        text = f'"{item.name}" has no data partition beside the CLUSTER partition'
        yield error("E_PARTITION", path, text, clause="2.2.2.1-04", value=0, limit=1)
    yield from at_most(path, len(item.partitions) + 1, limits.PARTITIONS_PER_DISK_MAX)
    seen: set[int] = set()
    for j, partition in enumerate(item.partitions):
        where, number = f"{path}[{j}].number", partition.number
        if number == cluster_partition:
            text = f"partition {number} is the CLUSTER partition, it has no letter and holds no data of users"
            yield error("E_RESERVED", where, text, clause="7.1.2-05", value=number, limit=2)
        elif number < cluster_partition:
            yield error(
                "E_PARTITION", where, f"{number} is no partition", clause="7.1.2-03", value=number, limit=2
            )
        if number in seen:
            yield error("E_DUP", where, f"partition {number} stands twice", clause="2.2.2.1-02", value=number)
        seen.add(number)


def letters(config: ClusterConfig) -> Iterator[Finding]:
    """Letters come from C to Z without that of a system drive, and no letter is given twice."""
    system = [server.system_letter for server in config.servers]
    placed = [
        (f"mirror_set[{i}].partitions[{j}].letter", partition.letter)
        for i, item in enumerate(config.mirror_sets)
        for j, partition in enumerate(item.partitions)
    ]
    yield from at_most("mirror_set", len(placed), limits.DATA_PARTITIONS_MAX)
    for path, letter in placed:
        yield from as_findings(path, letter, names.letter_problems(letter, system))
    yield from duplicates(placed, what="letter", clause="2.2.2.1-06")


def system_letters(config: ClusterConfig) -> Iterator[Finding]:
    """The system drive has one letter."""
    for i, server in enumerate(config.servers):
        letter = server.system_letter
        if letter.upper() not in names.LETTERS:
            text = f"{shown(letter)} is not one letter from A to Z"
            yield error("E_CHARSET", f"server[{i}].system_letter", text, clause="2.2.2.1-06", value=letter)


def set_in_one_group(config: ClusterConfig) -> Iterator[Finding]:
    """A mirror set is a whole disk and switches as one: it belongs to one group."""
    owner: dict[str, tuple[int, str]] = {}
    for i, group in enumerate(config.groups):
        for j, disk in enumerate(group.mirror_disks):
            path = f"group[{i}].mirror_disk[{j}].set"
            sets = [item.name for item in config.mirror_sets]
            yield from unknown(path, disk.set, sets, what="mirror set", clause="7.1.1-08")
            number, name = owner.setdefault(disk.set.casefold(), (i, group.name))
            if number != i:
                text = (
                    f'"{disk.set}" belongs to group {name} already; the partitions of a set switch together'
                )
                yield error("E_TOPOLOGY", path, text, clause="4.1.2-07", value=disk.set, limit=name)
        in_group = Counter(disk.set.casefold() for disk in group.mirror_disks)
        for name, count in in_group.items():
            if count > 1:
                text = f'mirror set "{name}" stands {count} times in the group'
                yield error("E_DUP", f"group[{i}].mirror_disk", text, clause="4.1.2-07", value=name)


def mounts(config: ClusterConfig) -> Iterator[Finding]:
    """A group mounts partitions of its sets, each once, on paths of their own."""
    paths: list[tuple[str, str]] = []
    for i, group in enumerate(config.groups):
        for j, disk in enumerate(group.mirror_disks):
            item = next((one for one in config.mirror_sets if same_name(one.name, disk.set)), None)
            places = [(f"group[{i}].mirror_disk[{j}].mounts[{k}]", m) for k, m in enumerate(disk.mounts)]
            for where, mount in places:
                paths.append((f"{where}.path", mount.path.rstrip("/")))
                yield from absolute_path(f"{where}.path", mount.path, code="E_RANGE", clause="")
                if item:
                    known = [partition.letter for partition in item.partitions]
                    what = f"letter of {item.name}"
                    yield from unknown(f"{where}.letter", mount.letter, known, what=what, clause="7.1.1-06")
            lettered = [(f"{where}.letter", mount.letter) for where, mount in places]
            yield from duplicates(lettered, what="letter", clause="2.2.2.1-02")
    first: dict[str, str] = {}
    for path, place in paths:
        before = first.setdefault(place, path)
        if before != path:
            yield error(
                "E_DUP", path, f"{shown(place)} is {before} already", clause="", value=place, limit=before
            )


def filesystems(config: ClusterConfig) -> Iterator[Finding]:
    """A data partition carries a file system that recovers by its journal."""
    for i, group in enumerate(config.groups):
        for j, disk in enumerate(group.mirror_disks):
            for k, mount in enumerate(disk.mounts):
                if mount.filesystem not in FILESYSTEMS:
                    path = f"group[{i}].mirror_disk[{j}].mounts[{k}].filesystem"
                    text = f"{shown(mount.filesystem)} is none of {', '.join(FILESYSTEMS)}"
                    yield error(
                        "E_FS", path, text, clause="2.2.2.1-07", value=mount.filesystem, limit=FILESYSTEMS
                    )


_PARTITIONS = ("mirror_set.partitions.letter",)

RULES = (
    Rule(set_count, ("2.2.2.1-03",), needs=("mirror_set",)),
    Rule(set_names, ()),
    Rule(io_limits, ("4.5.1-03",)),
    Rule(disk_pair, ("7.1.1-01",), needs=("server.name", "mirror_set.disks.server")),
    Rule(disk_paths, ("2.2.2.1-12", "2.2.2.1-13", "7.1.1-01")),
    Rule(
        partition_numbers,
        ("2.2.2.1-04", "2.2.2.1-08", "2.2.2.1-09", "7.1.2-03", "7.1.2-05"),
        needs=("mirror_set.partitions",),
    ),
    Rule(letters, ("2.2.2.1-02", "2.2.2.1-05", "2.2.2.1-06"), needs=("server.system_letter",)),
    Rule(system_letters, ("2.2.2.1-06",)),
    Rule(
        set_in_one_group,
        ("4.1.2-07", "7.1.1-08"),
        needs=("mirror_set.name", "group.name", "group.mirror_disk.set"),
    ),
    Rule(
        mounts, ("2.2.2.1-02", "7.1.1-06"), needs=("mirror_set.name", *_PARTITIONS, "group.mirror_disk.set")
    ),
    Rule(filesystems, ("2.2.2.1-07", "7.1.1-05")),
)
