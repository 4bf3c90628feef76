"""The system-disk copy of what a mirror side must not forget: STALE, FAULTY, DIVERGED and `cur` (R1, R10).

File `latch-<set>.json` in the state directory, written by twinset-mirrord with every record, and by the
daemon when the other side must be obeyed while no twinset-mirrord runs. The worse verdict of latch and
CLUSTER partition wins.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from twinset.mirror import registration
from twinset.mirror.cluster_partition import State

from .mirror_spec import identity
from .store import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from twinset.mirror.cluster_partition import Record

_PREFIX = "latch-"
WORSE = (State.STALE, State.FAULTY, State.DIVERGED, State.INCONSISTENT)


def path_of(state_dir: Path, mirror_set: str) -> Path:
    """Return the file of a mirror set's latch."""
    return state_dir / f"{_PREFIX}{mirror_set}.json"


def write(path: Path, *, state: State, cur: int, disk_uuid: bytes) -> None:
    """Make the verdict durable on the system disk."""
    content = {"state": state.name, "cur": f"{cur:016x}", "disk_uuid": disk_uuid.hex()}
    write_atomic(path, json.dumps(content).encode() + b"\n")


def read(path: Path) -> dict[str, Any] | None:
    """Return the verdict, or None when there is none or it cannot be read."""
    try:
        content = json.loads(path.read_text())
        return {
            "state": State[content["state"]],
            "cur": int(content["cur"], 16),
            "disk_uuid": bytes.fromhex(content["disk_uuid"]),
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None


def worse(record: Record, verdict: dict[str, Any] | None) -> Record:
    """Return the record with the latch's verdict where that is the worse one for the same generation."""
    if verdict is None or verdict["cur"] != record.cur or record.state == State.BLANK:
        return record
    if verdict["state"] in WORSE and record.state in (State.IN_SYNC, State.FINISHING, State.SOLO):
        if verdict["state"] == State.INCONSISTENT or verdict["disk_uuid"] != record.disk_uuid:
            return record
        return record.replace(state=verdict["state"])
    return record


def known_disks(state_dir: Path) -> dict[str, bytes]:
    """Return the identity of the disk of every mirror set that this server has served, by set."""
    found = {}
    for path in sorted(state_dir.glob(f"{_PREFIX}*.json")):
        verdict = read(path)
        if verdict is not None:
            found[path.name.removeprefix(_PREFIX).removesuffix(".json")] = verdict["disk_uuid"]
    return found


def refuse_foreign(record: Record | None, disk: str, mirror_set: str, state_dir: Path) -> None:
    """Raise LayoutRefused with the way out when the disk is not that of `mirror_set` on this server (8.6-02)."""
    owner = registration.foreign(
        record, mirror_set, known_disks(state_dir), identity(state_dir / "server_id")
    )
    if owner:
        raise registration.refusal(disk, owner)
