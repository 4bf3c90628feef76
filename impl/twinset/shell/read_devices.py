"""Read-only block devices over the data partitions of a side that nothing writes: `twinset mirror read` [4.4-02].

Loop devices that the kernel itself keeps from writing. What was attached is remembered in the run directory, so that
the next twinsetd of this boot detaches it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal, TwinsetError
from twinset.mirror.disk_layout import DiskLayout
from twinset.resources.mirror_disk import loop
from twinset.shell import disk_tools, run, store

if TYPE_CHECKING:
    from pathlib import Path

    from twinset.config.cluster import ClusterConfig, MirrorSet
    from twinset.shell.paths import Paths
    from twinset.shell.runtime import Runtime

VERBS: Final[dict[str, dict[str, tuple[type, bool]]]] = {
    "mirror.read": {"set": (str, True)},
    "mirror.read_end": {"set": (str, True)},
}
LOSETUP_S: Final = 20.0


async def handle(runtime: Runtime, paths: Paths, me: str, verb: str, args: dict[str, Any]) -> dict[str, Any]:
    """Answer one of the verbs: the core allows, the devices follow."""
    mirror_set = runtime.config.mirror_set(args["set"])
    if verb == "mirror.read_end":
        _detach(_record(paths, mirror_set))
        return dict(await runtime.request(verb, args))
    answer = dict(await runtime.request(verb, args))
    record = _record(paths, mirror_set)
    devices, _ = store.read_json_object(record)
    if not devices:
        try:
            devices = await _attach(runtime.config, mirror_set, me, paths)
        except (TwinsetError, OSError) as error:
            await runtime.request("mirror.read_end", args)
            raise Refusal("E_DISK", f"mirror read {mirror_set.name}: {error}", "4.4-02") from None
        store.write_json(record, devices)
    return {**answer, "devices": devices}


def _record(paths: Paths, mirror_set: MirrorSet) -> Path:
    return paths.run / f"read-{mirror_set.name}.json"


async def _attach(config: ClusterConfig, mirror_set: MirrorSet, me: str, paths: Paths) -> dict[str, str]:
    """Return a read-only device a letter."""
    disk = mirror_set.disk_path(config.server(me).name)
    seen = await asyncio.to_thread(disk_tools.look, disk, paths.state, probe=False)
    if seen.table is None:
        raise Refusal("E_PARTITION", f"{disk} has no partition table that can be read", "2.2.2.1-04")
    layout = DiskLayout(seen.table.disk_id, seen.facts.size_bytes, seen.partitions)
    devices: dict[str, str] = {}
    for partition in mirror_set.partitions:
        area = layout.data_partition(partition.number)
        where = ["--offset", str(area.start_bytes), "--sizelimit", str(area.length_bytes)]
        outcome = await run.run(
            ["losetup", "--find", "--show", "--read-only", *where, disk], timeout_s=LOSETUP_S
        )
        if not outcome.ok:
            for device in devices.values():
                loop.detach(device)
            raise Refusal("E_DISK", outcome.reason(), "4.4-02")
        devices[partition.letter] = outcome.stdout.strip()
    return devices


def _detach(record: Path) -> None:
    devices, _ = store.read_json_object(record)
    for device in devices.values():
        loop.detach(str(device))
    record.unlink(missing_ok=True)
