import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.labs import state
from harness.run import run
from perf.errors import PerfError
from perf.figures.conditions import CONDITIONS
from perf.shell import images, throttle
from perf.shell.throttle import SlowDisk


@pytest.fixture
def image() -> Iterator[Path]:
    """A small image where the lab puts its own."""
    if os.geteuid() or shutil.which("fio") is None:
        pytest.skip("needs root and fio")
    base = state.base(direct_io=True)
    base.mkdir(parents=True, exist_ok=True)
    path = base / f"throttle-{os.getpid()}.img"
    images.make(path, 8 << 20)
    yield path
    path.unlink()


def test_slow_disk_slows_what_runs_on_it(image: Path) -> None:
    """500 IOPS of direct random writes, where the disk alone does thousands; the group is gone afterwards."""
    try:
        slow = SlowDisk("test", throttle.device_of(image.parent))
    except (PerfError, OSError) as error:
        pytest.skip(str(error))
    try:
        slow.limit(CONDITIONS["disk-500"])
        job = ["fio", "--output-format=json", "--name=a", f"--filename={image}", "--direct=1", "--bs=4k",
               "--rw=randwrite", "--ioengine=libaio", "--iodepth=16", "--time_based=1", "--runtime=1"]  # fmt: skip
        found = json.loads(run(slow.argv(job), timeout_s=60).stdout)["jobs"][0]["write"]["iops"]
    finally:
        slow.remove()
    assert 0 < found < 700
    assert not list(slow.directory.parent.glob("twinset-perf-*-test"))
