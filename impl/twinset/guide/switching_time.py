"""How long a switch of servers takes by the guide's rules of thumb (9.1).

T = heartbeat time-out + network partition phase + the resources, each as often as it occurs + start scripts.
The guide's figures are bounds for planning, not targets: a floating IP address takes no six minutes here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from twinset.guide.limits import HEARTBEAT_INTERVAL_S, HEARTBEAT_TIMEOUT_COUNT_DEFAULT, Limit

PARTITION_PHASE_FACTOR_MIN = Limit(1, "9.1-05")  # times the heartbeat time-out
PARTITION_PHASE_FACTOR_MAX = Limit(2, "9.1-05")

RESOURCE_S = {
    "mirror_disk": Limit(60, "9.1-09", "s"),  # stated for disk paths; our reading applies it to mirror disks
    "printer": Limit(300, "9.1-10", "s"),
    "line_switch": Limit(180, "9.1-11", "s"),
    "virtual_ip": Limit(360, "9.1-12", "s"),
    "floating_ip": Limit(360, "9.1-13", "s"),
    "virtual_computer_name": Limit(60, "9.1-14", "s"),  # the ideal case; 9.1-17 calls nine minutes typical
    "monitor": Limit(60, "9.1-15", "s"),
}
VIRTUAL_COMPUTER_NAME_TYPICAL_S = Limit(540, "9.1-17", "s")


@dataclass(frozen=True)
class SwitchingTime:
    """The parts of an estimate in seconds; the partition phase lies between two bounds."""

    heartbeat_s: float
    partition_min_s: float
    partition_max_s: float
    resources_s: float
    scripts_s: float

    @property
    def least_s(self) -> float:
        """The estimate with the shortest partition phase."""
        return self.heartbeat_s + self.partition_min_s + self.resources_s + self.scripts_s

    @property
    def most_s(self) -> float:
        """The estimate with the longest partition phase."""
        return self.heartbeat_s + self.partition_max_s + self.resources_s + self.scripts_s


def heartbeat_timeout_s(count: int = HEARTBEAT_TIMEOUT_COUNT_DEFAULT) -> int:
    """Return the time from a fault to its detection (9.1-03)."""
    return HEARTBEAT_INTERVAL_S * count


def estimate(
    resources: Mapping[str, int],
    *,
    heartbeat_timeout_count: int = HEARTBEAT_TIMEOUT_COUNT_DEFAULT,
    scripts_s: float = 0.0,
) -> SwitchingTime:
    """Return the estimate for so many resources of each kind, and start scripts of that length (9.1-01, -08).

    The disk term of the partition phase (9.1-06) is left out: it arbitrates through a shared disk, which a
    mirror-disk cluster cannot do (4.2.3-01).
    """
    for kind, number in resources.items():
        if kind not in RESOURCE_S or number < 0:
            raise ValueError(
                f"{number} resources of kind {kind!r}; known are {', '.join(sorted(RESOURCE_S))}"
            )
    timeout_s = heartbeat_timeout_s(heartbeat_timeout_count)
    return SwitchingTime(
        heartbeat_s=timeout_s,
        partition_min_s=timeout_s * PARTITION_PHASE_FACTOR_MIN,
        partition_max_s=timeout_s * PARTITION_PHASE_FACTOR_MAX,
        resources_s=sum(RESOURCE_S[kind] * number for kind, number in resources.items()),
        scripts_s=scripts_s,
    )
