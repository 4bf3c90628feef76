"""The export as clients that nobody here wrote see it: nbdinfo, qemu-img, qemu-io, nbdcopy, fio."""

import json
import random
import shutil
import socket
import struct
from typing import Any

import pytest

from harness.labs.loopback import qemu_io
from harness.run import run
from harness.wait import now_s, wait_for
from twinset.shell.mirror_loop import TICK_MS

pytestmark = pytest.mark.skipif(
    shutil.which("nbdinfo") is None, reason="libnbd-bin and qemu-utils are needed"
)


def test_a_new_mirror_is_copied_in_full_and_served_with_all_commands(pair: Any) -> None:
    """Creation is a full copy; the active side exports FLUSH, FUA, TRIM, WRITE_ZEROES and multi-conn."""
    pair.create()
    status = pair.one.status()
    assert (status["copy_mode_last"], status["copied_bytes_last"]) == ("full", status["size_bytes"])
    pair.activate(pair.one)
    info = json.loads(run(["nbdinfo", "--json", pair.one.uri]).stdout)["exports"][0]
    assert info["export-size"] == status["size_bytes"]
    for ability in ("can_flush", "can_fua", "can_trim", "can_zero", "can_multi_conn"):
        assert info[ability] is True, ability


def test_the_standby_side_answers_not_ready(pair: Any) -> None:
    """No path to the data exists on the side that is not active (7.1.1-02, 5.2.2-16)."""
    pair.create()
    pair.activate(pair.one)
    answer = run(["nbdinfo", pair.two.uri], check=False)
    assert answer.returncode != 0
    shown = run(["qemu-img", "info", pair.two.uri], check=False)
    assert "Not Ready: the disk is not active on this server" in shown.stderr


def test_what_clients_write_is_on_both_disks(pair: Any) -> None:
    """Writes of every kind and size reach both sides: the data partitions are byte-identical."""
    pair.create()
    pair.activate(pair.one)
    qemu_io(
        pair.one.uri,
        "write -P 0x11 0 8M", "write -P 0x22 -f 3k 512", "write -z 1M 3M", "discard 5M 1M",
        "write -P 0x33 8M 1M", "write -P 0x44 12345k 77k", "flush", "read -P 0x11 0 3k",
        "read -P 0x22 3k 512", "read -P 0 1M 3M", "read -P 0x33 8M 1M", "read -P 0x44 12345k 77k",
    )  # fmt: skip
    assert pair.one.ask("deactivate")["ok"]
    assert pair.one.ask("close", solo_right=True)["ok"]
    assert pair.two.ask("close", solo_right=False)["ok"]
    assert pair.equal()


def test_the_differences_that_grow_while_the_mirror_is_broken_are_told_unasked(pair: Any) -> None:
    """twinsetd hears of every difference within a second, not only of the first one."""
    pair.create()
    pair.activate(pair.one)
    pair.two.kill()
    pair.one.until("the other side to be missed", session="none")
    assert pair.one.ask("peer", state="down")["ok"]
    pair.one.until("to go on alone", state="SOLO")
    for mib in range(4):
        qemu_io(pair.one.uri, f"write -P {mib + 1} {mib}M 1M", "flush")
        wait_for(
            lambda: pair.one.status()["dirty_bytes"] == pair.one.told.get("dirty_bytes"), 10, "it to be told"
        )
    assert pair.one.told["dirty_bytes"] >= 4 << 20


def test_an_image_comes_back_as_it_was_copied_in(pair: Any, tmp_path: Any) -> None:
    """nbdcopy in with several connections, qemu-img compare out: nothing changed on the way."""
    pair.create()
    pair.activate(pair.one)
    image = tmp_path / "image"
    image.write_bytes(bytes(range(256)) * (16 << 12))
    run(["nbdcopy", "--connections=4", str(image), pair.one.uri], timeout_s=120)
    compared = run(["qemu-img", "compare", "-f", "raw", "-F", "raw", str(image), pair.one.uri], timeout_s=120)
    assert "identical" in compared.stdout


def test_requests_that_break_rules_get_an_error_and_the_connection_lives(pair: Any) -> None:
    """Out of range, misaligned and unknown requests are answered with an error; the next one is served."""
    pair.create()
    pair.activate(pair.one)
    sock, size = _transmission(pair.one)
    for flags, command, offset, length in (
        (0, 0, size, 512), (0, 0, 1, 512), (0, 0, 0, 0), (0, 7, 0, 512), (0, 99, 0, 512), (0x80, 0, 0, 512),
        (0, 0, 1 << 63, 512),
    ):  # fmt: skip
        sock.sendall(struct.pack(">IHHQQI", 0x25609513, flags, command, 42, offset, length))
        magic, error, cookie = struct.unpack(">IIQ", _exactly(sock, 16))
        assert (magic, cookie) == (0x67446698, 42)
        assert error != 0, (flags, command, offset, length)
    sock.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 1, 43, size - 100, 512) + bytes(512))
    assert struct.unpack(">IIQ", _exactly(sock, 16))[1:] == (28, 43)
    sock.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 44, 0, 512))
    assert struct.unpack(">IIQ", _exactly(sock, 16)) == (0x67446698, 0, 44)
    assert len(_exactly(sock, 512)) == 512


def test_garbage_ends_its_own_connection_only(pair: Any) -> None:
    """A client that sends garbage is dropped and logged; other clients and the mirror go on."""
    pair.create()
    pair.activate(pair.one)
    good, _size = _transmission(pair.one)
    bad, _size = _transmission(pair.one)
    bad.sendall(b"\xff" * 64)
    wait_for(lambda: _closed(bad), 30, "the bad connection to end")
    good.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 3, 7, 0, 0))
    assert struct.unpack(">IIQ", _exactly(good, 16)) == (0x67446698, 0, 7)
    assert "nbd_refused" in pair.one.log
    assert pair.one.status()["set_state"] == "NORMAL"


def test_a_request_of_32_mib_is_served_piece_by_piece(make_pair: Any) -> None:
    """The largest request of the protocol works with and without structured replies, and never waits for a tick.

    Failed before: each piece of a read without structured replies began at the next tick, 2.5 MB a second.
    """
    pair = make_pair(40)
    pair.create()
    pair.activate(pair.one)
    sock, _size = _transmission(pair.one)
    length = 32 << 20
    sock.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 1, 1, 4096, length))
    block = bytes(range(256)) * 4096
    for _ in range(32):
        sock.sendall(block)
    assert struct.unpack(">IIQ", _exactly(sock, 16)) == (0x67446698, 0, 1)
    begun_s = now_s()
    sock.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 2, 4096, length))
    assert struct.unpack(">IIQ", _exactly(sock, 16)) == (0x67446698, 0, 2)
    assert all(_exactly(sock, len(block)) == block for _ in range(32))
    pieces = length // (64 << 10)
    assert now_s() - begun_s < pieces * TICK_MS / 1000 / 2
    qemu_io(pair.one.uri, "write -P 0x5a 0 32M", "read -P 0x5a 0 32M")


def _transmission(server: Any) -> tuple[socket.socket, int]:
    """Negotiate without structured replies; return the socket and the size of the export."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(15)
    sock.connect(str(server.base / "run" / "nbd-set1.sock"))
    assert _exactly(sock, 18)[:16] == b"NBDMAGICIHAVEOPT"
    sock.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 1, 1) + b"E")
    size, _flags = struct.unpack(">QH", _exactly(sock, 10))
    return sock, size


def test_a_large_read_behind_a_flush_does_not_wait_for_another_request(pair: Any) -> None:
    """Its reply leaves in one run, so it begins after what was asked before has ended: a FLUSH, too.

    Failed before: nobody looked again when the FLUSH had ended, and a mount waited until something was written.
    """
    pair.create()
    pair.activate(pair.one)
    sock, _size = _transmission(pair.one)
    with sock:
        flush = struct.pack(">IHHQQI", 0x25609513, 0, 3, 1, 0, 0)
        read = struct.pack(">IHHQQI", 0x25609513, 0, 0, 2, 0, 128 << 10)
        sock.sendall(flush + read)
        assert _exactly(sock, 16) == struct.pack(">IIQ", 0x67446698, 0, 1)
        assert _exactly(sock, 16) == struct.pack(">IIQ", 0x67446698, 0, 2)
        _exactly(sock, 128 << 10)


def test_more_than_a_buffer_may_follow_a_read_that_waits(pair: Any) -> None:
    """A large read waits for a FLUSH; the writes behind it fill the buffer: reading stops, and goes on afterwards.

    Failed before: the full buffer counted as the end of the connection. A client that sent everything again, in its
    order, met the same end, over and over: a mount after a failover took up to 80 s instead of 0.2 s.
    """
    pair.create()
    pair.activate(pair.one)
    sock, _size = _transmission(pair.one)
    piece = 64 << 10
    flush = struct.pack(">IHHQQI", 0x25609513, 0, 3, 1, 0, 0)
    read = struct.pack(">IHHQQI", 0x25609513, 0, 0, 2, 0, 2 * piece)
    writes = b"".join(
        struct.pack(">IHHQQI", 0x25609513, 0, 1, 3 + number, number * piece, piece)
        + bytes([number + 1]) * piece
        for number in range(8)
    )
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        sock.sendall(flush + read + writes)
        assert _exactly(sock, 16) == struct.pack(">IIQ", 0x67446698, 0, 1)
        assert _exactly(sock, 16) == struct.pack(">IIQ", 0x67446698, 0, 2)
        assert _exactly(sock, 2 * piece) == bytes(2 * piece)
        answers = {struct.unpack(">IIQ", _exactly(sock, 16)) for _ in range(8)}
        assert answers == {(0x67446698, 0, 3 + number) for number in range(8)}


def test_reads_without_structured_replies_are_right_beside_others(pair: Any) -> None:
    """Large reads with small ones and writes right behind them, as a kernel asks: every byte is what the disk holds.

    Failed before: a small read ended before the last piece of the large one in front of it, and its reply came between.
    """
    pair.create()
    pair.activate(pair.one)
    sock, size = _transmission(pair.one)
    rng = random.Random(3)
    disk = bytearray(rng.randbytes(size))
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        for at in range(0, size, 1 << 20):
            part = disk[at : at + (1 << 20)]
            sock.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 1, at, at, len(part)) + part)
            assert _exactly(sock, 16) == struct.pack(">IIQ", 0x67446698, 0, at)
        for _ in range(60):
            asked, stream = {}, b""
            for cookie in range(16):
                length = rng.choice([4096, 4096, 128 << 10, 200 << 10])
                at = rng.randrange((size - length) >> 12) << 12
                write = length == 4096 and rng.random() < 0.3
                stream += struct.pack(">IHHQQI", 0x25609513, 0, int(write), cookie, at, length)
                stream += disk[at : at + length] if write else b""
                asked[cookie] = b"" if write else bytes(disk[at : at + length])
            sock.sendall(stream)
            for _ in range(16):
                magic, error, cookie = struct.unpack(">IIQ", _exactly(sock, 16))
                assert (magic, error) == (0x67446698, 0)
                wanted = asked.pop(cookie)
                assert _exactly(sock, len(wanted)) == wanted


def _exactly(sock: socket.socket, length: int) -> bytes:
    received = bytearray()
    while len(received) < length:
        chunk = sock.recv(length - len(received))
        assert chunk, "the connection ended"
        received += chunk
    return bytes(received)


def _closed(sock: socket.socket) -> bool:
    try:
        return sock.recv(4096) == b""
    except ConnectionError:
        return True


def test_frames_of_every_kind_may_follow_a_largest_payload(make_pair: Any) -> None:
    """After a payload of the maximum I/O size of 256 KiB come flushes, zeros and small writes, in any order.

    Failed before: the guess that another such payload follows did not fit the buffer when it was wrong.
    """
    pair = make_pair(24, max_io_kib=256)
    pair.create()
    pair.activate(pair.one)
    rounds = (
        "write -P 1 0 4M",
        "flush",
        "write -P 2 4M 4M",
        "write -z 4M 4k",
        "write -P 3 8M 256k",
        "write -P 4 0 4k",
    )
    qemu_io(
        pair.one.uri,
        *(f"aio_{word}" if word.startswith("write -P") else word for word in rounds * 8),
        "aio_flush",
    )
    assert pair.one.status()["set_state"] == "NORMAL"
    assert pair.two.status()["session"] == "in_sync"
