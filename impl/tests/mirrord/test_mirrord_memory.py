"""The memory of twinset-mirrord obeys the guide's formula (4.5.1-02), whatever clients ask for."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.labs.loopback import MirrorServer, qemu_io
from harness.run import run
from twinset.guide.memory import set_memory_kib

pytestmark = pytest.mark.skipif(shutil.which("qemu-io") is None, reason="qemu-utils is needed")

IDLE_KIB_MAX = 60 << 10


def _resident_kib(server: MirrorServer, field: str) -> int:
    assert server.process is not None
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field + ":")).split()[1])


@pytest.mark.parametrize(("max_io_kib", "max_io_count"), [(64, 64), (256, 64), (64, 1024)])
def test_load_adds_at_most_what_the_formula_gives(make_pair: Any, max_io_kib: int, max_io_count: int) -> None:
    """Idle at most 60 MiB; a load of small and of 32 MiB requests adds at most the formula, on both sides."""
    pair = make_pair(48, max_io_kib=max_io_kib, max_io_count=max_io_count)
    pair.one.start()
    pair.two.start()
    idle = {server: _resident_kib(server, "VmRSS") for server in (pair.one, pair.two)}
    assert max(idle.values()) <= IDLE_KIB_MAX
    pair.one.ask("create", source=True)
    pair.two.ask("create", source=False)
    pair.one.until("created", set_state="NORMAL")
    pair.activate(pair.one)
    source = pair.one.base / "image"
    source.write_bytes(bytes(range(256)) * (48 << 12))
    run(["nbdcopy", "--connections=4", "--requests=64", str(source), pair.one.uri], timeout_s=120)
    qemu_io(pair.one.uri, "write -P 5 0 32M", "read -P 5 0 32M")
    allowed = set_memory_kib(max_io_kib, max_io_count)
    for server in (pair.one, pair.two):
        grown = _resident_kib(server, "VmHWM") - idle[server]
        assert grown <= allowed, f"{server.name} grew by {grown} KiB, the formula allows {allowed}"
