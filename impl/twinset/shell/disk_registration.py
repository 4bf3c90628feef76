"""What a configuration's disks of this server must be like before it becomes the active one (4.1.2-01, 8.6-02).

The mirror processes of the configuration before may still hold them: that is no obstacle here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinset.disks.facts import LOCKED
from twinset.disks.judge import by_use
from twinset.errors import DiskError, Refusal
from twinset.finding import errors
from twinset.mirror.disk_layout import DiskLayout, LayoutRefused

from . import disk_tools, latch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twinset.config.cluster import ClusterConfig, MirrorSet


def refuse_unfit(config: ClusterConfig, me: str, state_dir: Path) -> None:
    """Refuse a configuration with a disk here that cannot be a mirror disk, or is another set's: every reason."""
    reasons: list[tuple[str, str, str, str]] = []
    for mirror_set in config.mirror_sets:
        reasons += _reasons(mirror_set, me, state_dir)
    if reasons:
        code, _, clause, help_text = reasons[0]
        raise Refusal(code, f"{me}: " + "; ".join(text for _, text, _, _ in reasons), clause, help_text)


def refuse_registered(mirror_set: MirrorSet, me: str, state_dir: Path) -> None:
    """Refuse to register a disk that carries a record, even that of a set of this name: it may be outdated (8.6-02)."""
    path = mirror_set.disk_path(me)
    found = disk_tools.look(path, state_dir, probe=False)
    if found.record is not None and not found.record.blank:
        raise Refusal(
            "E_DISK",
            f"{me}: mirror set {mirror_set.name}: {path} carries the record of a mirror set",
            "8.6-02",
            f"twinset disk clear {path} --yes, on {me}",
        )


def _reasons(mirror_set: MirrorSet, me: str, state_dir: Path) -> Iterator[tuple[str, str, str, str]]:
    """Give code, text, clause and next step of everything that forbids the disk of a set."""
    path = mirror_set.disk_path(me)
    where = f"mirror set {mirror_set.name}: {path}"
    try:
        found = disk_tools.look(path, state_dir, probe=False)
        held = {by_use(use).message for use in found.facts.uses if use.kind == LOCKED}
        wrong = [finding for finding in errors(found.findings) if finding.message not in held]
        for finding in wrong:
            yield finding.code, f"{where}: {finding.message}", finding.clause, finding.help
        if wrong or found.table is None:
            return
        layout = DiskLayout(found.table.disk_id, found.facts.size_bytes, found.partitions)
        for partition in mirror_set.partitions:
            layout.data_partition(partition.number)
        if found.record is not None and found.record.registered:
            latch.refuse_foreign(found.record.record, path, mirror_set.name, state_dir)
    except LayoutRefused as refused:
        yield (
            refused.code,
            f"mirror set {mirror_set.name}: {refused}",
            refused.clause,
            f"twinset disk inspect {path}",
        )
    except (DiskError, Refusal) as error:
        yield "E_DISK", f"mirror set {mirror_set.name}: {error}", "4.1.2-01", f"twinset disk inspect {path}"
