"""DRBD 8.4 as a peer: its configuration, its commands, what it says. Pure.

Tuned as its own guide advises for throughput (larger buffers and epochs, a larger activity log, no throttled resync);
protocol C, flushes and barriers as they come: nothing that trades a power cut's safety for speed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

RESOURCE = "twinset-perf"
DEVICE = "/dev/drbd0"
CONFIGURATION = f"/etc/drbd.d/{RESOURCE}.res"
PORT = 7789
NET = {
    "max-buffers": "8000",
    "max-epoch-size": "8000",
    "sndbuf-size": "0",
    "ping-int": "1",
    "ping-timeout": "5",
}
DISK = {"al-extents": "6007", "c-plan-ahead": "0", "resync-rate": "4095M", "c-min-rate": "0"}

_STATE = re.compile(r"^ *0: cs:(\S+) ro:(\S+) ds:(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class State:
    """A line of /proc/drbd: connection, roles, disks; this side first."""

    connection: str
    roles: str
    disks: str

    @property
    def whole(self) -> bool:
        """True when both sides are connected and have the same data."""
        return self.connection == "Connected" and self.disks == "UpToDate/UpToDate"


def configuration(disk: str, addresses: Mapping[str, str]) -> str:
    """The resource file: one device over the disk, metadata at its end, protocol C between the servers."""
    lines = [
        f"resource {RESOURCE} {{",
        "  protocol C;",
        f"  device {DEVICE};",
        f"  disk {disk};",
        "  meta-disk internal;",
    ]
    for section, options in (("net", NET), ("disk", DISK)):
        lines += [f"  {section} {{", *(f"    {key} {value};" for key, value in options.items()), "  }"]
    lines += [f"  on {server} {{ address {address}:{PORT}; }}" for server, address in addresses.items()]
    return "\n".join([*lines, "}", ""])


def tuning() -> str:
    """What was tuned, for the report."""
    return ", ".join(f"{key} {value}" for key, value in {**NET, **DISK}.items())


def begin() -> list[list[str]]:
    """On each server: driver, metadata, up."""
    return [
        ["modprobe", "drbd"],
        ["drbdadm", "create-md", "--force", RESOURCE],
        ["drbdadm", "up", RESOURCE],
    ]


def promote() -> list[list[str]]:
    """On one server, once both are connected: both sides are blank, so nothing has to be copied; then it serves."""
    return [
        ["drbdadm", "--", "--clear-bitmap", "new-current-uuid", f"{RESOURCE}/0"],
        ["drbdadm", "primary", RESOURCE],
    ]


def whole_copy() -> list[str]:
    """On the server that serves: the other side is worth nothing from now on, and everything is copied to it."""
    return ["drbdadm", "invalidate-remote", RESOURCE]


def end() -> list[list[str]]:
    """On each server: down, and the driver gone."""
    return [["drbdadm", "down", RESOURCE], ["modprobe", "-r", "drbd"]]


def state(proc_drbd: str) -> State | None:
    """What /proc/drbd says of the first device; None when there is none."""
    found = _STATE.search(proc_drbd)
    return State(*found.groups()) if found else None
