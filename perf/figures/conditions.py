"""What a measurement runs under: how fast the disks and the link are, how many sets and partitions. Pure.

A condition is part of the key of its figures: ``readwrite-4k-qd16@disk-5000``. Without ``@`` everything is as the
machine gives it, and one mirror set has one data partition.
"""

from dataclasses import dataclass

from perf.errors import PerfError

AT = "@"


@dataclass(frozen=True)
class Condition:
    """Limits are 0 where there is none. IOPS hold for reads and for writes, each by itself."""

    name: str
    summary: str
    disk_iops: int = 0
    disk_mib_s: int = 0
    link_mbit_s: int = 0
    offered_iops: tuple[int, int] = (0, 0)  # reads and writes that the client asks for, at most
    sets: int = 1
    partitions: int = 1
    fastsync: bool = True
    mounted: bool = False

    @property
    def throttled(self) -> bool:
        """True when the disks are made slower than they are."""
        return bool(self.disk_iops or self.disk_mib_s)

    def same_disk(self, other: "Condition") -> bool:
        """True when both slow the disks in the same way."""
        return (self.disk_iops, self.disk_mib_s) == (other.disk_iops, other.disk_mib_s)

    @property
    def own_sets(self) -> bool:
        """True when it needs other mirror sets than the one that is always there."""
        return self.sets > 1 or self.partitions > 1 or not self.fastsync

    def same_sets(self, other: "Condition") -> bool:
        """True when both are measured on the same mirror sets."""
        return (self.sets, self.partitions, self.fastsync) == (other.sets, other.partitions, other.fastsync)


PLAIN = Condition("", "as the machine is")
_HALF = "; the client asks for half of what the disk gives at read:write 2:1"
_ALL = (
    PLAIN,
    Condition("disk-100", "disks of 100 IOPS and 50 MiB/s (one of the guide's day)", 100, 50),
    Condition("disk-100-half", "disks of 100 IOPS and 50 MiB/s" + _HALF, 100, 50, offered_iops=(50, 25)),
    Condition("disk-500", "disks of 500 IOPS and 200 MiB/s (rotating)", 500, 200),
    Condition("disk-500-half", "disks of 500 IOPS and 200 MiB/s" + _HALF, 500, 200, offered_iops=(250, 125)),
    Condition("disk-5000", "disks of 5,000 IOPS and 200 MiB/s (SATA SSD)", 5000, 200),
    Condition(
        "disk-5000-half", "disks of 5,000 IOPS and 200 MiB/s" + _HALF, 5000, 200, offered_iops=(2500, 1250)
    ),
    Condition("link-100m", "a mirror connect of 100 Mbit/s", link_mbit_s=100),
    Condition("link-1g", "a mirror connect of 1 Gbit/s", link_mbit_s=1000),
    Condition("sets-2", "two mirror sets at once", sets=2),
    Condition("sets-4", "four mirror sets at once", sets=4),
    Condition("sets-8", "eight mirror sets at once, the most there can be", sets=8),
    Condition("partitions-3", "one mirror set with three data partitions", partitions=3),
    Condition("fastsync-off", "a mirror set without FastSync", fastsync=False),
    Condition(
        "disk-5000-fastsync-off",
        "a mirror set without FastSync on disks of 5,000 IOPS and 200 MiB/s",
        5000,
        200,
        fastsync=False,
    ),
    Condition("mounted", "ext4, mounted as a group mounts it", mounted=True),
)
CONDITIONS = {condition.name: condition for condition in _ALL}


def key(workload: str, condition: str) -> str:
    """The key of a workload's figures under a condition."""
    return f"{workload}{AT}{condition}" if condition else workload


def parted(job: str) -> tuple[str, Condition]:
    """Workload and condition of a key; raise PerfError for a condition that there is not."""
    workload, _, name = job.partition(AT)
    if name not in CONDITIONS:
        raise PerfError(f"{job}: no condition {name!r}; there are {', '.join(filter(None, CONDITIONS))}")
    return workload, CONDITIONS[name]
