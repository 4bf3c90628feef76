"""What stands against upgrading a server, or against removing the software from it (AUX-01, AUX-02, 8.3).

Judged from what the server shows of itself: the answer of ``cluster status`` (None where no cluster runs here), and
its configuration. Each obstacle has its clause and the command that takes it away; none: go on.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from twinset.config.cluster import ClusterConfig

UPGRADE: Final = "AUX-01"
UPDATE: Final = "AUX-02"
REMOVAL: Final = "8.3-01"
OPERATING, ISOLATED, STOPPED = "O", "Od", "X"

# Packages that a server at work relies on: their update restarts, replaces or reloads what serves the mirrored disk.
RELIED_ON: Final = re.compile(
    r"twinset|python3(\.\d+)?(-minimal)?|libpython3\.\d+.*|libc6|libaio1.*|fuse3|libfuse3-.*|nbdfuse|libnbd.*|"
    r"nbd-client|util-linux|mount|libmount1|libblkid1|e2fsprogs|iproute2|systemd|udev|linux-image-.*|firmware-.*"
)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why not now."""

    code: str
    clause: str
    text: str
    help: str

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return asdict(self)


def against_upgrade(status: Mapping[str, Any] | None) -> list[Obstacle]:
    """Return why the programs or the system of this server must not be changed now, in the order to act on it."""
    return list(_against_upgrade(status)) if status is not None else []


def _against_upgrade(status: Mapping[str, Any]) -> Iterator[Obstacle]:
    me = str(status["this_server"])
    other = next(name for name in status["servers"] if name != me)
    mine, theirs = (status["servers"][name]["status"] for name in (me, other))
    for name, row in status["mirror_sets"].items():
        if row.get("permitted_on") == me:
            text = f"the data of mirror set {name} is in use on {me} without its group"
            yield Obstacle("E_STATE", "8.7-07", text, f"twinset mirror restrict {name}")
    if mine != OPERATING:
        return
    if theirs != OPERATING:
        word = status["servers"][other]["word"]
        text = f"{other} is {theirs} ({word}), so the service would stop with {me}"
        helps = {ISOLATED: f"twinset server return {other}", STOPPED: "twinset cluster start"}
        yield Obstacle("E_STATE", UPGRADE, text, helps.get(theirs, "twinset cluster status"))
    for name, row in status["mirror_sets"].items():
        if row["state"] != "NORMAL":
            text = f"mirror set {name} is {row['state']}: {other} has no whole copy to go on with"
            yield Obstacle("E_STATE", UPGRADE, text, f"twinset mirror status {name}")
    for group, row in status["groups"].items():
        if row["server"] == me:
            text = f"group {group} runs on {me}: changing what it stands on can make it fail over by surprise"
            yield Obstacle("E_STATE", UPGRADE, text, f"twinset group move {group} {other}")
    text = f"{me} operates: a restart of its programs would be taken for a failure"
    yield Obstacle("E_STATE", UPGRADE, text, f"twinset server isolate {me}")


def against_packages(
    files: Iterable[str], status: Mapping[str, Any] | None
) -> tuple[list[str], list[Obstacle]]:
    """Return which of these package files a server at work relies on, and why they must not be installed now.

    Only a server that runs a group is held back: on the others an update can break the mirror, and nothing fails over.
    """
    relied_on = sorted(
        {name for file in files if RELIED_ON.fullmatch(name := PurePosixPath(file).name.partition("_")[0])}
    )
    if status is None or not relied_on:
        return relied_on, []
    me = status["this_server"]
    busy = [group for group, row in status["groups"].items() if row["server"] == me]
    return relied_on, [
        Obstacle("E_STATE", UPDATE, f"group {group} runs on {me}", "twinset upgrade check") for group in busy
    ]


def against_removal(
    config: ClusterConfig | None, status: Mapping[str, Any] | None, left_records: Iterable[str] = ()
) -> list[Obstacle]:
    """Return what is to be taken out of the cluster before its software goes, in that order [8.3-01]."""
    return list(_against_removal(config, status, left_records))


def _against_removal(
    config: ClusterConfig | None, status: Mapping[str, Any] | None, left_records: Iterable[str]
) -> Iterator[Obstacle]:
    operating = [] if status is None else [
        name for name, row in status["servers"].items() if row["status"] not in (STOPPED, "Xd")
    ]  # fmt: skip
    if operating:
        text = f"the cluster runs on {' and '.join(operating)}"
        yield Obstacle("E_STATE", REMOVAL, text, "twinset cluster stop")
    for group in config.groups if config else ():
        for disk in group.mirror_disks:
            text = f"group {group.name} has mirror set {disk.set} among its resources"
            help_ = f"delete [[group.mirror_disk]] of group {group.name} in the file, then twinset apply FILE --yes"
            yield Obstacle("E_STATE", REMOVAL, text, help_)
    for mirror_set in config.mirror_sets if config else ():
        text = f"mirror set {mirror_set.name} is registered: its disks would keep a record of it"
        yield Obstacle("E_STATE", "8.3-02", text, f"twinset mirror cancel {mirror_set.name}")
    for disk_path in left_records:
        text = f"{disk_path} carries the record of a mirror set still"
        yield Obstacle("E_STATE", "8.6-02", text, f"twinset disk clear {disk_path} --yes")
