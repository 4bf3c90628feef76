"""How twinset-mirrord finds its disk again: the record, the worse verdict of the latch, the maps; then it serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from twinset.errors import DiskError, TwinsetError
from twinset.guide.memory import SHORTAGE_CLAUSE
from twinset.mirror import failures
from twinset.mirror.cluster_partition import Record, RecordCorrupt, State
from twinset.mirror.maps import unpack_bits

from . import latch
from .memory_claims import MemoryClaims

if TYPE_CHECKING:
    from twinset.mirror.maps import Maps

    from .disk import Disk
    from .mirror_loop import Mirrord
    from .mirror_spec import Spec


def admitted(spec: Spec) -> Spec:
    """Return the spec when its memory can be had; TwinsetError before anything was touched (4.5.1-01)."""
    reason = MemoryClaims().admit(vars(spec))
    if reason:
        raise TwinsetError(f"{reason} [{SHORTAGE_CLAUSE}]")
    return spec


def read_record(disk: Disk, size_bytes: int, spec: Spec) -> tuple[Record, str | None]:
    """Return the record to go by, and what was damaged of it; raise DiskError when there is none to trust."""
    try:
        choice = disk.read_record()
    except RecordCorrupt as error:
        raise DiskError(
            f"{disk.path}: both copies of the CLUSTER partition are damaged: {error.reason}"
        ) from None
    if choice.record is None:
        disk.check_unregistered()
        return Record(size_bytes=size_bytes, server_name=spec.server), choice.damage
    record = choice.record
    state_dir = Path(spec.state_dir)
    latch.refuse_foreign(record, str(disk.path), spec.set, state_dir)
    if record.state != State.BLANK and record.size_bytes != size_bytes:
        raise DiskError(f"{disk.path}: mirrored area is {size_bytes} bytes, was {record.size_bytes} [8.5-01]")
    latch_path = latch.path_of(state_dir, spec.set)
    return _rewritten(disk, latch.worse(record, latch.read(latch_path)), latch_path), choice.damage


def _rewritten(disk: Disk, record: Record, latch_path: Path) -> Record:
    """Make the record durable before it is acted upon: who died while writing left it in a cache, perhaps."""
    try:
        disk.write_record(record)
    except DiskError:
        if record.state in (State.IN_SYNC, State.FINISHING, State.STALE, State.INCONSISTENT):
            latch.write(latch_path, state=State.FAULTY, cur=record.cur, disk_uuid=record.disk_uuid)
            return record.replace(state=State.FAULTY)
    return record


def restore_maps(disk: Disk, record: Record, maps: Maps) -> None:
    """A clean close left either nothing in flight or a map on the disk; a blank side has no past."""
    if maps.continuous:
        return
    if record.state == State.BLANK or (record.clean and record.state == State.IN_SYNC):
        maps.continuous = True
    elif record.clean and record.map_valid:
        try:
            packed = disk.read_map(record)
        except (RecordCorrupt, DiskError):
            return
        maps.add(unpack_bits(packed, maps.count))
        maps.continuous = True


def serve(daemon: Mirrord) -> None:
    """Serve until a signal asks to stop. A record that cannot be written is a disk failure, not the end."""
    if daemon.damage:
        daemon.log("cluster_partition_damaged", reason=daemon.damage)
    for note in daemon.disk.notes:
        daemon.log("disk_note", reason=note)
    while not daemon.stopping:
        try:
            daemon.rounds()
        except DiskError as error:
            failures.record_failed(daemon.side, str(error))
