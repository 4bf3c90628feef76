"""What is slower than its bound counts as failed (8.4-01)."""

from __future__ import annotations

import threading
from errno import ETIMEDOUT
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from twinset.errors import DiskError
from twinset.mirror.cluster_partition import Record, State
from twinset.mirror.operations import WRITE, Op
from twinset.shell.buffers import SlotPool
from twinset.shell.mirror_limits import Limits
from twinset.shell.mirror_records import Records

if TYPE_CHECKING:
    from pathlib import Path

DISK_MS, LINK_MS = 800, 400


class Daemon:
    """What the bounds look at, and what they did."""

    def __init__(self) -> None:
        self.pool = SlotPool(4, 4096)
        self.since = [0] * 6
        self.ops: list[Any] = [None] * 4
        self.flushes = SimpleNamespace(under_way={}, free=[], ended=self._flush_ended)
        self.session: Any = None
        self.side = SimpleNamespace(path=SimpleNamespace(seq=0, await_receipt=[]))
        self.spec = SimpleNamespace(disk="/dev/sdb", server="server1")
        self.link = SimpleNamespace(too_slow=lambda *_: self.done.append("link"))
        self.done: list[Any] = []
        self.logged: list[str] = []

    def log(self, name: str, **_fields: Any) -> None:
        self.logged.append(name)

    def on_disk(self) -> list[int]:
        return [slot for slot, entry in enumerate(self.ops) if entry is not None] + list(
            self.flushes.under_way
        )

    def ended(self, op: Op, _path: Any, error: int) -> None:
        self.done.append((op, error))

    def _flush_ended(self, slot: int, error: int) -> None:
        del self.flushes.under_way[slot]
        self.done.append((slot, error))


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


def limits(daemon: Any) -> Limits:
    return Limits(daemon, DISK_MS, LINK_MS)


def test_a_request_that_the_disk_does_not_finish_fails_and_goes_on_elsewhere(daemon: Daemon) -> None:
    """Its data is in another slot; the old one, which the kernel still reads, belongs to nobody until it is back."""
    bounds = limits(daemon)
    slot = daemon.pool.take()
    op = Op(WRITE, 0, 5, slot, "client")
    daemon.pool.data(slot, 5)[:] = b"hello"
    daemon.ops[slot] = (op, None)
    bounds.tick(DISK_MS - 1)
    assert not daemon.done
    bounds.tick(2 * DISK_MS)
    assert daemon.done == [(op, ETIMEDOUT)]
    assert op.slot != slot
    assert bytes(daemon.pool.data(op.slot, 5)) == b"hello"
    assert daemon.logged == ["disk_too_slow"]
    assert slot not in daemon.pool.free
    bounds.back(slot)
    assert slot in daemon.pool.free
    assert not bounds.away


def test_a_flush_is_bounded_too(daemon: Daemon) -> None:
    """Its slot is used again when the kernel has given it back."""
    bounds = limits(daemon)
    daemon.flushes.under_way[4] = (1, None)
    bounds.tick(2 * DISK_MS)
    assert daemon.done == [(4, ETIMEDOUT)]
    bounds.back(4)
    assert daemon.flushes.free == [4]


@pytest.mark.parametrize(("received", "slow"), [(True, False), (False, True)])
def test_a_link_is_too_slow_when_what_was_sent_is_not_received(
    daemon: Daemon, received: bool, slow: bool
) -> None:
    """Time alone is nothing: an operation that was sent before the bound has to be waiting still."""
    bounds = limits(daemon)
    daemon.session = SimpleNamespace(bound="connection")
    path = daemon.side.path
    path.seq, path.await_receipt = 3, [SimpleNamespace(seq=2)]
    for now_ms in range(0, LINK_MS, LINK_MS // 8):
        bounds.tick(now_ms)
    assert not daemon.done
    if received:
        path.seq, path.await_receipt = 9, [SimpleNamespace(seq=8)]
    bounds.tick(LINK_MS + LINK_MS // 4)
    assert bool(daemon.done) is slow


def test_a_record_is_written_in_bounded_time(tmp_path: Path) -> None:
    """A disk that hangs has failed; bad news stands on the system disk all the same; nothing more is asked of it."""
    hang = threading.Event()
    asked: list[Record] = []

    def write_record(record: Record) -> None:
        asked.append(record)
        hang.wait(30)

    daemon: Any = SimpleNamespace(
        disk=SimpleNamespace(path="/dev/sdb", write_record=write_record),
        side=SimpleNamespace(record=Record()), limits=SimpleNamespace(away=set()),
        latch_path=tmp_path / "latch", changed=lambda: None,
    )  # fmt: skip
    records = Records(daemon, 0.05)
    with pytest.raises(DiskError, match="not written within"):
        records.persist(Record(state=State.SOLO, cur=3))
    with pytest.raises(DiskError, match="does not answer"):
        records.persist(Record(state=State.IN_SYNC, cur=3))
    records.persist(Record(state=State.FAULTY, cur=3))
    assert "FAULTY" in daemon.latch_path.read_text() or daemon.latch_path.exists()
    assert len(asked) == 1
    hang.set()
