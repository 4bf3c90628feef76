"""The kernel's limits of block I/O for a group of processes: where they are set, and to what. Pure.

Both versions of control groups have them; with direct I/O each request counts for the process that made it. Reads
and writes are limited apart from one another.
"""

from harness.faults import controllers
from harness.faults.controllers import Controller
from perf.errors import PerfError

TOLERANCE = 0.05  # a throttled raw disk is within this of its nominal figure, or nothing is concluded from it
MIB = 1 << 20


def controller(mountinfo: str) -> Controller:
    """The controller of block I/O, from /proc/self/mountinfo (version 1: blkio, 2: io); PerfError without one."""
    found = controllers.controller(mountinfo, "blkio")
    if found is None:
        raise PerfError("no control group of block I/O is mounted: disks cannot be throttled")
    return found


def settings(version: int, device: str, iops: int, mib_s: int) -> dict[str, str]:
    """What to write into which file of the group, for a device as ``major:minor``."""
    rates = {"iops": iops, "bps": mib_s * MIB}
    if version == 1:
        return {
            f"blkio.throttle.{way}_{what}_device": f"{device} {value}"
            for way in ("read", "write")
            for what, value in rates.items()
        }
    words = {f"{way}{what}": value or "max" for way in "rw" for what, value in rates.items()}
    return {"io.max": f"{device} " + " ".join(f"{name}={value}" for name, value in words.items())}


def proved(measured_iops: float, nominal_iops: float) -> bool:
    """True when the throttled disk is what it is called."""
    return abs(measured_iops - nominal_iops) <= TOLERANCE * nominal_iops
