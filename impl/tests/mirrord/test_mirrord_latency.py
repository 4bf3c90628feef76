"""Latencies of two real mirror processes: sampled when asked, each side by its own clock."""

from typing import Any

from harness.labs.loopback import MirrorPair, MirrorServer
from harness.run import run

BLOCKS = 64


def load(server: MirrorServer, *options: str) -> None:
    """Read or write 4 KiB blocks through the export, one after the other."""
    argv = [
        "fio",
        "--name=load",
        "--ioengine=nbd",
        f"--uri={server.uri}",
        "--bs=4k",
        f"--io_size={BLOCKS * 4}k",
    ]
    run([*argv, *options], timeout_s=60)


def told(server: MirrorServer) -> dict[str, Any]:
    """What a side has sampled."""
    found: dict[str, Any] = server.status()["latency"]
    return found


def test_each_side_tells_the_stages_of_the_operations_that_it_saw(pair: MirrorPair) -> None:
    """Writes, reads and flushes on the serving side, what it received on the other one; all stages add up."""
    pair.create()
    pair.activate(pair.one)
    load(pair.one, "--rw=randwrite")
    assert told(pair.one) == told(pair.two) == {"every": 0, "operations": {}}
    for server in (pair.one, pair.two):
        assert server.ask("latency", every=1)["ok"]
    load(pair.one, "--rw=randwrite", "--fsync=8")
    load(pair.one, "--rw=randread")
    one, two = told(pair.one)["operations"], told(pair.two)["operations"]
    assert sorted(one) == ["flush", "read", "write"]
    assert sorted(two) == ["received"]
    for found in (*one.values(), two["received"]):
        parts = sum(stage["mean_us"] for stage in found["stages"].values())
        assert abs(parts - found["total"]["mean_us"]) < 1
        assert found["total"]["p50_us"] <= found["total"]["p99_us"]
    assert one["write"]["count"] >= BLOCKS / 2  # alone in flight, hardly one is missed
    assert min(stage["mean_us"] for name, stage in one["write"]["stages"].items() if name != "other_disk") > 0
    # The receipt comes back after the other side has sent it: a duration there is a part of one here.
    assert two["received"]["receipt"]["mean_us"] < one["write"]["stages"]["receipt"]["mean_us"]


def test_a_side_that_serves_alone_tells_so(pair: MirrorPair) -> None:
    """No frame, no receipt; turned off it says what it had seen, and forgets it."""
    pair.create()
    pair.activate(pair.one)
    pair.two.kill()
    pair.one.ask("peer", state="down", boot_id="")
    pair.one.until("alone", state="SOLO")
    pair.one.ask("latency", every=1)
    load(pair.one, "--rw=randwrite")
    seen = pair.one.ask("latency", every=0)["result"]
    assert list(seen["operations"]) == ["write_alone"]
    assert told(pair.one) == {"every": 0, "operations": {}}


def test_a_number_that_is_none_is_refused(pair: MirrorPair) -> None:
    """With the reason."""
    pair.one.start()
    assert pair.one.ask("latency", every=-1)["error"]["code"] == "E_SYNTAX"
    assert pair.one.ask("latency")["error"]["code"] == "E_SYNTAX"
