"""Two real mirror processes that were written apart: what they tell, keep and copy when an operator decides."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.labs.loopback import MIB, qemu_io
from harness.wait import settle, wait_for
from twinset.operator.cli import app
from twinset.shell import kept_files

pytestmark = pytest.mark.skipif(shutil.which("qemu-io") is None, reason="qemu-utils is needed")


def split(pair: Any) -> None:
    """Server 1 goes on alone and writes 2s, then server 2 does and writes 3s; then they meet."""
    pair.create()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "write -P 1 0 2M", "flush")
    settle(0.6)  # until both have flushed and the window is empty: what is in it would count as difference
    pair.two.kill()
    pair.one.ask("peer", state="down")
    qemu_io(pair.one.uri, "write -P 2 4M 128k", "flush")
    pair.one.ask("deactivate")
    pair.one.kill()
    pair.two.start()
    pair.two.ask("peer", state="down")
    assert pair.two.ask("activate", peer="down")["ok"]
    qemu_io(pair.two.uri, "write -P 3 8M 64k", "write -P 3 4M 4k", "flush")
    pair.two.ask("deactivate")
    pair.one.start()
    for server in (pair.one, pair.two):
        server.ask("peer", state="up")
    for server in (pair.one, pair.two):
        server.until("both know", state="DIVERGED")
        wait_for(lambda s=server: s.status()["diverged"]["doubt"] == "", 30, "they have met")


def kept(server: Any) -> dict[str, Any]:
    assert server.ask("keep_blocks")["ok"]
    return wait_for(
        lambda: (server.status()["kept"] or {}).get("complete") and server.status()["kept"], 30, "kept"
    )


def test_the_union_is_copied_and_what_was_lost_can_be_read_back(pair: Any, tmp_path: Path) -> None:
    """Nothing is resolved by itself; the loser's blocks are in a file first; only the differences are copied."""
    split(pair)
    told = pair.two.status()["diverged"]
    assert told["ranges"] == [[4 * MIB, 65536], [8 * MIB, 65536]]
    assert told["since_s"] <= told["last_s"]
    assert (told["keep_scope"], told["keep_bytes"]) == ("union", 3 * 65536)
    assert pair.one.status()["diverged"]["ranges"] == [[4 * MIB, 131072]]
    refused = pair.two.ask("give_up")
    assert refused["error"]["message"] == "its blocks are not kept"
    kept(pair.two)
    assert pair.two.ask("give_up")["ok"]
    assert pair.one.ask("keep")["ok"]
    status = pair.one.until("normal", set_state="NORMAL")
    assert (status["copy_mode_last"], status["copied_bytes_last"]) == ("high-speed", 3 * 65536)
    assert pair.equal()
    pair.activate(pair.one)
    qemu_io(pair.one.uri, "read -P 2 4M 128k", "read -P 1 0 2M")

    state = pair.two.base / "state"
    assert [each["scope"] for each in kept_files.listed(state)] == ["union"]
    (name,) = (each["name"] for each in kept_files.listed(state))
    with kept_files.opened(state, "set1-") as file:
        assert b"".join(data for _, data in file.blocks(4 * MIB, 4096)) == b"\3" * 4096
        assert b"".join(data for _, data in file.blocks(4 * MIB + 4096, 4096)) == b"\0" * 4096
    command(state, "list", words=[name[:12], "set1"])
    out = tmp_path / "range"
    command(state, "read", name, "--letter", "E", "--range", f"{8 * MIB}:65536", "--output", str(out))
    assert out.read_bytes() == b"\3" * 65536
    image = tmp_path / "image"
    start, length = pair.one.partitions[1].offset_bytes, pair.one.status()["size_bytes"]
    image.write_bytes(pair.one.disk.read_bytes()[start : start + length])
    command(state, "read", name, "--onto", str(image), words=["196608 bytes"])
    whole = image.read_bytes()
    assert whole[8 * MIB : 8 * MIB + 65536] == b"\3" * 65536
    assert whole[4 * MIB : 4 * MIB + 131072] == b"\3" * 4096 + b"\0" * (131072 - 4096), (
        "the 2s were never there"
    )
    assert whole[: 2 * MIB] == b"\1" * 2 * MIB


def command(state: Path, *words_in: str, words: list[str] | None = None) -> None:
    result = CliRunner().invoke(app, ["mirror", "kept", *words_in], env={"TWINSET_STATE": str(state)})
    assert result.exit_code == 0, result.output
    assert all(word in result.output.replace("\n", "") for word in words or []), result.output


def test_a_lost_difference_means_a_full_copy_with_the_reason(pair: Any) -> None:
    """The side that is given up was rebooted after it had diverged: everything is kept and copied."""
    split(pair)
    pair.two.power_cut()
    pair.two.start()
    pair.two.ask("peer", state="up")
    wait_for(lambda: "was lost" in pair.two.status()["diverged"]["doubt"], 30, "they have met again")
    assert pair.two.status()["diverged"]["keep_scope"] == "all"
    assert pair.two.ask("give_up", discard=True)["ok"]
    assert pair.one.ask("keep")["ok"]
    status = pair.one.until("normal", set_state="NORMAL")
    assert status["copy_mode_last"] == "full"
    assert "the difference of server2 was lost" in pair.one.log
    assert pair.equal()
    assert not kept_files.listed(pair.two.base / "state")


def test_what_cannot_be_kept_is_not_given_up(pair: Any) -> None:
    """The system disk refuses: the side stays DIVERGED, and the refusal says why."""
    split(pair)
    (pair.two.base / "state" / "kept").write_text("no directory")
    refused = pair.two.ask("keep_blocks")
    assert refused["error"]["code"] == "E_SPACE"
    assert "its blocks are not kept" in pair.two.ask("give_up")["error"]["message"]
    assert pair.two.status()["state"] == "DIVERGED"
