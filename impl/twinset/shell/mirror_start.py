"""How twinset-mirrord finds its disk again: the record, the worse verdict of the latch, the maps; then it serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from twinset.errors import DiskError, TwinsetError
from twinset.guide.memory import SHORTAGE_CLAUSE
from twinset.mirror import failures
from twinset.mirror.cluster_partition import NO_ID, Record, RecordCorrupt, State
from twinset.mirror.maps import unpack
from twinset.mirror.session import Settings

from . import latch, table_watch
from .disk import Disk
from .memory_claims import MemoryClaims
from .mirror_spec import identity

if TYPE_CHECKING:
    from twinset.mirror.maps import Maps

    from .mirror_loop import Mirrord
    from .mirror_spec import Spec


def admitted(spec: Spec) -> Spec:
    """Return the spec when its memory can be had; TwinsetError before anything was touched (4.5.1-01)."""
    reason = MemoryClaims().admit(vars(spec))
    if reason:
        raise TwinsetError(f"{reason} [{SHORTAGE_CLAUSE}]")
    return spec


def open_disk(spec: Spec) -> Disk:
    """Open the disk of the set; refuse one whose partition table was changed since it was registered (8.5-01)."""
    disk = Disk(spec.disk)
    try:
        record = disk.read_record().record
    except RecordCorrupt:
        record = None
    try:
        seen = table_watch.path_of(Path(spec.state_dir), spec.set)
        table_watch.refuse_changed(seen, disk.layout, record, spec.disk)
    except DiskError:
        disk.close()
        raise
    return disk


def note_table(daemon: Mirrord, record: Record) -> None:
    """Remember the partition table of a registered disk, once for each identity that a disk has."""
    path = table_watch.path_of(daemon.state_dir, daemon.spec.set)
    if record.disk_uuid != NO_ID and not table_watch.known(path, record.disk_uuid):
        table_watch.note(path, daemon.disk.layout, record.disk_uuid)


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
        maps.add(unpack(packed, maps.count))
        maps.continuous = True


def settings(daemon: Mirrord) -> Settings:
    """Return what the core has to know of this process; times are scaled."""
    spec = daemon.spec
    return Settings(
        spec.server,
        spec.server_index,
        daemon.boot_id,
        server_uuid=identity(daemon.state_dir / "server_id"),
        piece_max=daemon.pool.size,
        fastsync=spec.fastsync,
        mirror_timeout_ms=daemon.silence_ms,
        mark_interval_ms=max(200, int(1000 * spec.time_scale)),
        disk=spec.disk,
        data_start_bytes=daemon.data_start,
    )


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
