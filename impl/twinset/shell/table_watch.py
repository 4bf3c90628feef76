"""The partition table of a registered disk as this server knows it: a changed one is refused (8.5-01).

File `table-<set>.json` in the state directory, written when a disk gets its identity. While the mirror process
runs it holds the disk; what was changed behind its back is found when it starts the next time. A disk with
another identity is another disk (4.3.4.3-02) and is not compared. Where the record cannot be found any more,
because partition 1 was moved, the number in the table itself says which disk it is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from twinset.mirror import disk_layout
from twinset.mirror.disk_layout import LayoutRefused, Partition

from .store import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from twinset.mirror.cluster_partition import Record
    from twinset.mirror.disk_layout import DiskLayout

CLAUSE: Final = "8.5-01"
_PREFIX: Final = "table-"


def path_of(state_dir: Path, mirror_set: str) -> Path:
    """Return the file of a mirror set's disk."""
    return state_dir / f"{_PREFIX}{mirror_set}.json"


def note(path: Path, layout: DiskLayout, disk_uuid: bytes) -> None:
    """Remember the table of the disk with this identity, durably."""
    rows = [[part.number, part.kind, part.start_bytes, part.length_bytes] for part in layout.partitions]
    content = {"disk_uuid": disk_uuid.hex(), "disk_id": layout.disk_id, "partitions": rows}
    write_atomic(path, json.dumps(content).encode() + b"\n")


def known(path: Path, disk_uuid: bytes) -> bool:
    """Tell whether the table of that disk is remembered."""
    seen = _read(path)
    return seen is not None and seen["disk_uuid"] == disk_uuid


def refuse_changed(path: Path, layout: DiskLayout, record: Record | None, disk: str) -> None:
    """Raise LayoutRefused with what has changed when the disk is the remembered one and its table is not."""
    seen = _read(path)
    if seen is None:
        return
    changes = disk_layout.changes(seen["partitions"], layout.partitions)
    if record is not None:
        same = record.disk_uuid == seen["disk_uuid"]
    else:
        same = bool(layout.disk_id) and layout.disk_id == seen["disk_id"]
    if same and changes:
        text = f"{disk}: the partition table was changed while the disk is registered: {'; '.join(changes)}"
        raise LayoutRefused("E_PARTITION", text, CLAUSE)


def forget(state_dir: Path, disk_uuid: bytes) -> None:
    """The disk is no mirror disk any more: its partitions may change."""
    for path in state_dir.glob(f"{_PREFIX}*.json"):
        if known(path, disk_uuid):
            path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
        return {
            "disk_uuid": bytes.fromhex(content["disk_uuid"]),
            "disk_id": int(content["disk_id"]),
            "partitions": [Partition(*map(int, row)) for row in content["partitions"]],
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None
