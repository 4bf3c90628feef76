"""Whose disk it is: one that carries the record of another mirror set is not taken over silently (8.6).

A server knows its disks by the latch of each of its mirror sets, which names the disk, and by its own identity,
which every record of a disk registered here carries. A disk that neither accounts for comes from elsewhere: out
of another set, another cluster, or from a server that was replaced. Its record says what was true there. Here it
could make an old side the latest one, so it is refused until an operator clears it; the data stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cluster_partition import NO_ID, Record
from .disk_layout import LayoutRefused
from .record_report import unregistered

if TYPE_CHECKING:
    from collections.abc import Mapping

CLAUSE = "8.6-02"


def owner_here(record: Record, known_disks: Mapping[str, bytes]) -> str:
    """Return the mirror set of this server that the disk is known to belong to, or ""."""
    for name, disk_uuid in known_disks.items():
        if disk_uuid == record.disk_uuid != NO_ID:
            return name
    return ""


def foreign(
    record: Record | None, mirror_set: str, known_disks: Mapping[str, bytes], server_uuid: bytes
) -> str:
    """Return whose disk this is when it is not one of `mirror_set` on this server, else "".

    `known_disks` has the identity of the disk of each mirror set that this server has served.
    """
    if record is None or unregistered(record) or record.disk_uuid == NO_ID:
        return ""
    here = owner_here(record, known_disks)
    if here:
        return "" if here == mirror_set else f"mirror set {here} of this server"
    own = record.server_uuid == server_uuid
    if own and known_disks.get(mirror_set, NO_ID) == NO_ID:
        return ""  # only the latch was lost
    return f"mirror set {mirror_set}, which has another disk now" if own else elsewhere(record)


def elsewhere(record: Record) -> str:
    """Return where a disk comes from that this server does not know."""
    where = f"server {record.server_name}" if record.server_name else "an unknown server"
    return f"another mirror set ({record.set_uuid.hex()[:8]}), registered on {where}"


def refusal(path: str, owner: str) -> LayoutRefused:
    """Return the refusal of a disk of `owner`, with the way out."""
    return LayoutRefused(
        "E_DISK",
        f"{path} holds the record of {owner}; if it is not needed there any more: twinset disk clear {path} --yes",
        CLAUSE,
        value=owner,
    )
