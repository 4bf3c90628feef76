"""The guide's numbers, each with the clause that states it.

A `Limit` is an int: it computes, compares and prints as one. `limit.clause` is what a message cites.
"""

from typing import Self


class Limit(int):
    """A number of the guide that knows its clause and its unit."""

    clause: str
    unit: str

    def __new__(cls, value: int, clause: str, unit: str = "") -> Self:
        """Return the number with its source."""
        limit = super().__new__(cls, value)
        limit.clause = clause
        limit.unit = unit
        return limit


# Servers
SERVERS = Limit(2, "2.1.1-01", "servers")  # exactly; the sixteen of 2.3.2-01 are those of shared disks
SERVER_NAME_BYTES_MAX = Limit(15, "2.2.2.3-07", "bytes")

# Networks
INTERCONNECTS_MAX = Limit(16, "2.1.4-02", "interconnects")
INTERCONNECTS_ADVISED = Limit(2, "2.1.4-03", "interconnects")
MIRROR_CONNECTS_MAX = Limit(2, "2.1.5-06", "mirror connects")
LAN_SERVERS = Limit(2, "2.1.5-03", "servers")  # on a mirror connect, and nobody else
ADDRESSES_PER_SERVER_MAX = Limit(16, "2.2.2.2-04", "addresses")  # without floating IP addresses
LAN_NAME_BYTES_MAX = Limit(31, "2.2.2.2-07", "bytes")
# Where interconnects and mirror connects are named, the guide states the same limit once more.
INTERCONNECT_NAME_BYTES_MAX = Limit(31, "2.2.2.2-08", "bytes")

# Mirror sets and partitions
MIRROR_SETS_MAX = Limit(8, "2.2.2.1-03", "mirror sets")
DATA_PARTITIONS_MAX = Limit(23, "2.2.2.1-05", "data partitions")  # 26 letters - A - B - system drive
PARTITIONS_PER_DISK_MAX = Limit(32, "2.2.2.1-08", "partitions")  # the CLUSTER partition is one of them
CLUSTER_PARTITION_NUMBER = Limit(1, "7.1.2-03")
CLUSTER_PARTITION_BYTES_MIN = Limit(1 << 20, "7.1.2-04", "bytes")
DISKS_PER_SET = Limit(2, "7.1.1-01", "disks")  # one on each server

# Input and output of a mirror set
MAX_IO_KIB_DEFAULT = Limit(64, "4.5.1-04", "KiB")
MAX_IO_COUNT_DEFAULT = Limit(64, "4.5.1-04", "requests")

# Cluster and groups
CLUSTER_NAME_BYTES_MAX = Limit(15, "2.2.2.3-03", "bytes")
CLUSTER_PASSWORD_BYTES_MAX = Limit(15, "2.2.2.3-14", "bytes")
GROUPS_MAX = Limit(64, "2.2.2.3-08", "groups")
GROUP_NAME_BYTES_MAX = Limit(15, "6.2.1-05", "bytes")
REGISTRY_KEYS_PER_GROUP_MAX = Limit(16, "6.2.7-11", "registry keys")
REGISTRY_KEY_BYTES_MAX = Limit(259, "6.2.7-13", "bytes")
ACCOUNTS_MAX = Limit(16, "2.2.2.3-15", "accounts")
ACCOUNT_NAME_BYTES_MAX = Limit(31, "2.2.2.3-17", "bytes")
ACCOUNT_PASSWORD_BYTES_MAX = Limit(31, "2.2.2.3-18", "bytes")

# Addresses and names that clients use
FLOATING_IPS_MAX = Limit(64, "2.2.2.3-19", "floating IP addresses")
VIRTUAL_COMPUTER_NAMES_MAX = Limit(64, "2.2.2.3-21", "virtual computer names")
# A NetBIOS client knows a primary and a secondary name server; the guide's arrangements need no more.
WINS_SERVERS_MAX = Limit(2, "7.3.2.3-04", "name servers")
VIRTUAL_COMPUTER_NAME_BYTES_MAX = Limit(15, "7.3.1.1-03", "bytes")
NAME_SERVICE_INTERFACES_ADVISED = Limit(1, "7.3.3-10", "interfaces")

# Heartbeat
HEARTBEAT_INTERVAL_S = Limit(3, "9.1-03", "s")  # fixed
HEARTBEAT_TIMEOUT_COUNT_DEFAULT = Limit(10, "9.1-03", "heartbeats")
HEARTBEAT_TIMEOUT_COUNT_MIN = Limit(2, "9.1-03", "heartbeats")  # the range is our reading
HEARTBEAT_TIMEOUT_COUNT_MAX = Limit(999, "9.1-03", "heartbeats")
DISK_IO_WAIT_S_DEFAULT = Limit(80, "9.1-06", "s")


def virtual_computer_names_max(*, associated: bool, name_service_interfaces: int) -> Limit:
    """Return how many virtual computer names a cluster may have.

    As soon as one is associated with a floating IP address, the interfaces bound to the name service client
    are taken off (2.2.2.3-22); the larger number of the two servers counts.
    """
    if not associated:
        return VIRTUAL_COMPUTER_NAMES_MAX
    left = max(VIRTUAL_COMPUTER_NAMES_MAX - name_service_interfaces, 0)
    return Limit(left, "2.2.2.3-22", VIRTUAL_COMPUTER_NAMES_MAX.unit)
