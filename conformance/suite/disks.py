"""Disks described as data (verb `inspect_disk` of ADAPTER.md): good ones, and one for each fault."""

from dataclasses import dataclass
from typing import Any

from conformance.suite.config import Config

SECTOR = 512
MIB = 1 << 20


@dataclass(frozen=True)
class DiskCase:
    """One disk, the clause it speaks to and, when it is bad, the classes of error that fit."""

    slug: str
    clause: str
    fact: str
    disk: Config
    codes: tuple[str, ...] = ()


def partition(number: int, start_bytes: int, size_bytes: int, **fields: Any) -> Config:
    """One partition: primary and blank unless told otherwise."""
    return {
        "number": number,
        "start_bytes": start_bytes,
        "size_bytes": size_bytes,
        "kind": "primary",
        "content": None,
        **fields,
    }


def disk(*partitions: Config, **fields: Any) -> Config:
    """A basic disk of 64 MiB."""
    return {
        "size_bytes": 64 * MIB,
        "label": "mbr",
        "member_of": None,
        "partitions": list(partitions),
        **fields,
    }


def partitions_on(count: int) -> Config:
    """A disk with that many partitions: the CLUSTER partition, then data; from the third on logical ones."""
    data = MIB
    found = [partition(1, MIB, 8 * MIB)]
    for index in range(count - 1):
        start = (10 + index) * MIB if index == 0 else (10 + index) * MIB + MIB // 2
        # Logical partitions are numbered from 5; half a MiB before each holds its own small table.
        logical = index > 0
        number = 2 if index == 0 else 4 + index
        size = data if index == 0 else data // 2
        found.append(partition(number, start, size, **({"kind": "logical"} if logical else {})))
    return disk(*found)


def cluster_partition_of(size_bytes: int) -> Config:
    """A disk whose CLUSTER partition has that size."""
    return disk(partition(1, MIB, size_bytes), partition(2, 16 * MIB, 16 * MIB))


_PLAIN = disk(partition(1, MIB, 8 * MIB), partition(2, 9 * MIB, 40 * MIB))
GOOD_DISKS = (
    DiskCase("plain", "2.2.2.1-10", "a blank primary partition 1 at the start, data behind it", _PLAIN),
)
BAD_DISKS = (
    DiskCase(
        "partition-1-not-first",
        "2.2.2.1-10",
        "partition 2 lies before partition 1",
        disk(partition(1, 40 * MIB, 8 * MIB), partition(2, MIB, 32 * MIB)),
        ("E_PARTITION",),
    ),
    DiskCase(
        "first-is-logical",
        "2.2.2.1-10",
        "the lowest partition is a logical one, there is no primary partition 1",
        disk(
            partition(5, 2 * MIB, 8 * MIB, kind="logical"), partition(6, 12 * MIB, 32 * MIB, kind="logical")
        ),
        ("E_PARTITION",),
    ),
    *(
        DiskCase(
            kind, "2.2.2.1-12", f"the disk is a member of {kind}", {**_PLAIN, "member_of": kind}, ("E_DISK",)
        )
        for kind in ("lvm", "md")
    ),
)


def plain(**fields: Any) -> Config:
    """A disk that can be mirrored, with further facts about it."""
    return {**_PLAIN, **fields}


def shaped(
    size_bytes: int = 64 * MIB, data_bytes: int = 40 * MIB, data_start: int = 9 * MIB, **fields: Any
) -> Config:
    """A disk with one data partition of that size at that place."""
    parts = (partition(1, MIB, 4 * MIB), partition(2, data_start, data_bytes))
    return {**disk(*parts), "size_bytes": size_bytes, **fields}
