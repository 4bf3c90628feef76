import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from harness.errors import LabError
from harness.faults import partition_table
from harness.faults.disk import CLUSTER_BYTES, create_image
from harness.run import run


def test_the_table_is_what_sfdisk_reads(tmp_path: Path) -> None:
    """The hand-written MBR means to sfdisk what the plan says."""
    if shutil.which("sfdisk") is None:
        pytest.skip("sfdisk not found: package fdisk")
    image = tmp_path / "disk"
    create_image(image, 64, 0x12345678, data_partitions=2)
    table = json.loads(run(["sfdisk", "--json", str(image)]).stdout)["partitiontable"]
    assert table["label"] == "dos"
    assert int(table["id"], 16) == 0x12345678
    expected = partition_table.plan(64 << 20, CLUSTER_BYTES, 2)
    assert [(p["start"], p["size"]) for p in table["partitions"]] == [
        (p.first_sector, p.sectors) for p in expected
    ]


def test_the_first_partition_is_cluster_and_the_rest_is_shared() -> None:
    """CLUSTER comes first and begins on 1 MiB; nothing overlaps or passes the end."""
    parts = partition_table.plan(64 << 20, 4 << 20, 3)
    assert [p.number for p in parts] == [1, 2, 3, 4]
    assert parts[0].offset_bytes == 1 << 20
    assert parts[0].size_bytes == 4 << 20
    for before, after in pairwise(parts):
        assert before.offset_bytes + before.size_bytes == after.offset_bytes
    assert parts[-1].offset_bytes + parts[-1].size_bytes <= 64 << 20


@pytest.mark.parametrize(
    ("disk", "cluster", "count"), [(64 << 20, 4 << 20, 4), (64 << 20, 4097, 1), (4 << 20, 4 << 20, 1)]
)
def test_what_does_not_fit_is_refused(disk: int, cluster: int, count: int) -> None:
    """Too many partitions, an unaligned CLUSTER, no room: each is refused."""
    with pytest.raises(LabError):
        partition_table.plan(disk, cluster, count)
