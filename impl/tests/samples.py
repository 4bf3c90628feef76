"""What tests of several parts begin with: a configuration of two servers and two LANs, a record from elsewhere."""

from twinset.mirror.cluster_partition import Record, State

TWO_SERVERS = """
[cluster]
name = "demo"
[[server]]
name = "server1"
[[server]]
name = "server2"
[[lan]]
name = "public"
roles = ["public", "interconnect"]
endpoints = [
  {server="server1", interface="eth0", address="10.0.1.1/24"},
  {server="server2", interface="eth0", address="10.0.1.2/24"},
]
[[lan]]
name = "ic1"
roles = ["interconnect", "mirror"]
endpoints = [
  {server="server1", interface="eth1", address="10.0.2.1/24"},
  {server="server2", interface="eth1", address="10.0.2.2/24"},
]
"""

RECORD = Record(
    set_uuid=b"s" * 16,
    disk_uuid=b"d" * 16,
    server_name="server9",
    state=State.IN_SYNC,
    cur=5,
    size_bytes=16 << 20,
)
