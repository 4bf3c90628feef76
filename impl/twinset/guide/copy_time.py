"""How long the creation of a mirror takes by the guide's table (4.4.1), which calls itself a guideline."""

from typing import Final

from twinset.guide.limits import Limit

GB: Final = 1 << 30
# Seconds for one GB, or more: six and a half, eleven and four minutes.
SECONDS_PER_GB: Final = {
    "single disk": Limit(390, "4.4.1-04", "s"),
    "RAID5, write-through": Limit(660, "4.4.1-05", "s"),
    "RAID5, write-back": Limit(240, "4.4.1-06", "s"),
}
PROPORTIONAL: Final = "4.3.3-03"  # a rebuild from differences takes as much of it as differs


def full_copy_s(size_bytes: int) -> dict[str, float]:
    """Return the time of a full copy by kind of disk, in seconds."""
    if size_bytes < 0:
        raise ValueError(f"{size_bytes} bytes")
    return {kind: seconds * size_bytes / GB for kind, seconds in SECONDS_PER_GB.items()}
