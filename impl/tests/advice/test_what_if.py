"""What a configuration will cost: rows for each workload, set and server."""

from typing import Any

import pytest

from impl.tests.advice.measured_costs import costs
from impl.tests.samples import TWO_SERVERS
from twinset import config
from twinset.advice import planning, what_if
from twinset.advice.expectation import Machine
from twinset.advice.measured import Measured
from twinset.config import ClusterConfig

COSTS = costs()
TEXT = (
    TWO_SERVERS
    + """
[[mirror_set]]
name = "set1"
disks = [ {server="server1", path="/dev/nothing"}, {server="server2", path="/dev/nothing"} ]
partitions = [ {number=2, letter="E"} ]
[[group]]
name = "db"
policy = ["server1", "server2"]
[[group.mirror_disk]]
set = "set1"
[[group.floating_ip]]
address = "10.0.1.100"
[[group.virtual_computer_name]]
name = "DB"
[[group.script]]
start = "/etc/start"
stop = "/etc/stop"
"""
)


@pytest.fixture
def cluster(tmp_path: Any) -> ClusterConfig:
    file = tmp_path / "cluster.toml"
    file.write_text(TEXT)
    return config.load(file)


def expected(
    cluster: ClusterConfig,
    machine: Machine | None = None,
    sizes: Any = None,
    write_mib_s: float = 0,
) -> dict[str, Any]:
    machine = machine or Machine()
    return what_if.expected(cluster, COSTS, machine, sizes=sizes or {}, write_mib_s=write_mib_s, outages=[])


def test_every_measured_workload_has_its_overhead(cluster: ClusterConfig) -> None:
    """Half of the raw disk as measured; on a disk of 500 IOPS nothing is lost at depth 16."""
    rows = {row["workload"]: row for row in expected(cluster)["operations"]}
    assert rows["write-16"]["overhead"] == [0.5, 0.45, 0.55]
    assert rows["write-16"]["link_mbit_s"] == pytest.approx(345.3, abs=0.1)
    slow = {row["workload"]: row for row in expected(cluster, Machine(disk_iops=500))["operations"]}
    assert slow["write-16"]["overhead"][0] == 0
    assert slow["write-16"]["mirrored"]["limited_by"] == "disk"


def test_rebuild_of_each_set_with_its_bounds(cluster: ClusterConfig) -> None:
    """A GB, and the whole set where its size is known."""
    [one] = expected(cluster)["rebuilds"]
    assert (one["seconds"], one["seconds_per_gb"]) == (None, [2.56, 2.048, 3.2])
    [known] = expected(cluster, sizes={"set1": 10 << 30})["rebuilds"]
    assert known["seconds"] == [25.6, 20.48, 32.0]


def test_link_that_the_load_needs(cluster: ClusterConfig) -> None:
    """Only where a load was given; a share only where a link was described."""
    assert expected(cluster)["link"] is None
    assert expected(cluster, write_mib_s=10)["link"]["share"] is None
    assert expected(cluster, Machine(link_mbit_s=100), write_mib_s=10)["link"]["share"] == pytest.approx(
        0.884, abs=0.001
    )


def test_outage_names_the_source_of_each_part(cluster: ClusterConfig) -> None:
    """Coefficients first, then the last failover, then the guide's bound; only servers that have groups."""
    logged = Measured(at_s=0.0, resources_s={"floating_ip": 9.0, "script": 2.0})
    rows = planning.switching(cluster, logged, scripts_s=None)
    [one] = what_if.outages(rows, COSTS.switching_s, logged, None)
    told = {part["part"]: (part["seconds"], part["source"]) for part in one["parts"]}
    assert told == {
        "mirror_disk": (0.5, "coefficients"),
        "floating_ip": (0.25, "coefficients"),
        "virtual_computer_name": (60.0, "guide"),
        "script": (2.0, "event log"),
    }
    assert one["seconds"] == [122.75, 119.75, 125.75]
    [given] = what_if.outages(rows, {}, None, 20.0)
    assert given["parts"][-1] == {
        "part": "script",
        "count": 1,
        "each_s": 20.0,
        "source": "given",
        "seconds": 20.0,
    }
    [bare] = what_if.outages(rows, {}, None, None)
    assert bare["parts"][-1]["source"] == "not known"
