"""What must hold after every test, whatever it tested. Each audit counts what it looked at: nothing, no pass.

An audit returns findings as sentences; ``require`` raises with all of them.
"""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import AuditFailed, WaitTimeout
from harness.faults.disk import Disk
from harness.labs import processes
from harness.labs.namespaces import Lab
from harness.wait import wait_for

CHUNK_BYTES = 1 << 20
DIFFERENCES_SHOWN_MAX = 5
ORPHANS_GO_S = 10
# Unit tests of this machine mount there; a host that boots meanwhile keeps a copy of the mount.
OTHERS_MOUNTS = "/tmp/"


@dataclass
class Audit:
    """The outcome of one audit."""

    name: str
    looked_at: int = 0
    findings: list[str] = field(default_factory=list)

    def require(self) -> "Audit":
        """Raise AuditFailed unless something was looked at and nothing was found."""
        if self.findings:
            raise AuditFailed(f"{self.name}: " + "; ".join(self.findings))
        if self.looked_at == 0:
            raise AuditFailed(f"{self.name}: looked at nothing, which proves nothing")
        return self


def same_data(lab: Lab) -> Audit:
    """Both servers' data partitions, byte for byte. Only meaningful in sync and with nobody writing."""
    return same_disks(lab.server1.disk, lab.server2.disk)


def same_disks(first: Disk, second: Disk) -> Audit:
    """The data partitions of two disks, byte for byte."""
    audit = Audit("data partitions are byte-identical")
    with first.image.open("rb") as one, second.image.open("rb") as other:
        for partition in first.partitions[1:]:
            position = partition.offset_bytes
            end = position + partition.size_bytes
            while position < end:
                length = min(CHUNK_BYTES, end - position)
                mine, yours = (
                    os.pread(one.fileno(), length, position),
                    os.pread(other.fileno(), length, position),
                )
                if mine != yours and len(audit.findings) < DIFFERENCES_SHOWN_MAX:
                    at = next(i for i, (a, b) in enumerate(zip(mine, yours, strict=False)) if a != b)
                    audit.findings.append(f"partition {partition.number} differs at byte {position + at}")
                position += length
                audit.looked_at += length
    return audit


def one_active(lab: Lab) -> Audit:
    """At most one server has the mirrored data mounted or the floating IP address on an interface."""
    audit = Audit("at most one server is active")
    for what, count in (("a mirrored file system", _mounted), ("a floating IP address", _extra_addresses)):
        holders = [server.name for server in lab.servers if server.powered and count(lab, server.name)]
        audit.looked_at += 1
        if len(holders) > 1:
            audit.findings.append(f"{' and '.join(holders)} both hold {what}")
    return audit


def _mounted(lab: Lab, name: str) -> bool:
    """True when a block device is mounted inside this server that its boot did not bring."""
    pid = lab.host(name).init.pid
    own = _block_mounts(pid)
    return bool(own - _block_mounts(os.getpid()))


def _block_mounts(pid: int) -> set[tuple[str, str]]:
    found = set()
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
            before, _, after = line.partition(" - ")
            source, where = after.split()[1], before.split()[4]
            if where.startswith(OTHERS_MOUNTS):
                continue
            if source.startswith(("/dev/loop", "/dev/nbd")):
                found.add((source, where))
    return found


def _extra_addresses(lab: Lab, name: str) -> bool:
    given = {lan.addresses[name].partition("/")[0] for lan in lab.topology.lans_of(name)}
    printed = lab.host(name).run(["ip", "-4", "-o", "addr", "show", "scope", "global"], timeout_s=20).stdout
    present = {line.split()[3].partition("/")[0] for line in printed.splitlines()}
    return bool(present - given)


def no_leftovers(lab: Lab) -> Audit:
    """After destroy: no process of the run, no loop device on its files, no directory."""
    audit = Audit("the lab left nothing behind")
    audit.looked_at = 3
    audit.findings += [f"process {pid} ({_command(pid)})" for pid in processes.marked(lab.state.run_id)]
    audit.findings += [f"loop device {device}" for device in _lasting_orphans(lab.known_devices)]
    if lab.directory.exists():
        audit.findings.append(f"directory {lab.directory}")
    return audit


def _lasting_orphans(devices: Iterable[int]) -> list[str]:
    """Orphaned loop devices that stay.

    The number of a file system that is gone is soon given to one of another lab; while that one mounts it, or loses
    its power, its loop devices look like ours for a moment.
    """
    left: list[str] = []

    def none_left() -> bool:
        left[:] = orphan_loops(devices)
        return not left

    with contextlib.suppress(WaitTimeout):
        wait_for(none_left, ORPHANS_GO_S, "loop devices without a file system to go")
    return left


def orphan_loops(devices: Iterable[int]) -> list[str]:
    """Loop devices on file systems which this lab's servers had; those mounted now are some other lab's."""
    return processes.loops_on(set(devices) - processes.fuse_devices(processes.all_pids()), set())


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:120]
    return "gone"
