"""How each known bug is put into the mirror core; the table with their rules is in `mirror_mutants.py`."""

# The bugs reach into the private parts of what they spoil; a sentence each stands in the table.
# ruff: noqa: SLF001, D103

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import PropertyMock, patch

from twinset.mirror import attaching, copy_mode, permits, range_lock, requests, write_path
from twinset.mirror.cluster_partition import State
from twinset.mirror.copy import Copy
from twinset.mirror.maps import Maps
from twinset.mirror.operations import COPY, Flush
from twinset.mirror.side import Side
from twinset.mirror.standby_path import TargetPath
from twinset.mirror.write_path import SourcePath

if TYPE_CHECKING:
    from collections.abc import Callable


def _method(owner: Any, name: str, function: Callable[..., Any]) -> Any:
    return patch.object(owner, name, function)


def _control(kind: str, function: Callable[..., Any]) -> Any:
    return patch.dict(Side._CONTROL, {kind: function})


# -- R1, R2: breaking ------------------------------------------------------------------------------------


def solo_without_proof() -> list[Any]:
    return [_method(Side, "solo_permitted", lambda _side: True)]


def stale_is_only_said() -> list[Any]:
    def become_stale(side: Side, _cur: int) -> bool:
        return side.record.state in (State.IN_SYNC, State.FINISHING, *copy_mode.OUTDATED)

    return [_method(Side, "become_stale", become_stale)]


def stale_serves() -> list[Any]:
    never = {state: why for state, why in copy_mode._NEVER.items() if state != State.STALE}
    return [patch.object(copy_mode, "_NEVER", never)]


def solo_recorded_late() -> list[Any]:
    def go_solo(side: Side, reason: str, **options: Any) -> None:
        if side.role == "source" and side.record.state == State.IN_SYNC:
            side.maps.absorb_window()
            side.path.drop_remote()
            side.path.set_mode(write_path.SOLO)
        original(side, reason, **options)

    original = Side.go_solo
    return [_method(Side, "go_solo", go_solo)]


def solo_keeps_its_generation() -> list[Any]:
    def go_solo(side: Side, reason: str, **options: Any) -> None:
        cur = side.record.cur
        original(side, reason, **options)
        if side.record.state == State.SOLO and side.record.base == cur:
            side.persist(cur=cur, base=0)

    original = Side.go_solo
    return [_method(Side, "go_solo", go_solo)]


def not_outdated_by_the_other() -> list[Any]:
    return [patch.object(copy_mode, "outdated_by", lambda _mine, _other: False)]


# -- R3: received, written, durable ------------------------------------------------------------------------


def local_write_in_parallel() -> list[Any]:
    def send(path: SourcePath, op: Any, *, fresh: bool = False) -> None:
        original(path, op, fresh=fresh)
        if op.kind != COPY and fresh:
            op.received = True
            path.ports.submit_write(op)

    original = SourcePath._send

    def receipt(path: SourcePath, seq: int) -> None:
        while path.await_receipt and path.await_receipt[0].seq <= seq:
            path.await_receipt.popleft()

    return [_method(SourcePath, "_send", send), _method(SourcePath, "receipt", receipt)]


def marked_without_flush() -> list[Any]:
    def start_flush(path: SourcePath, flush: Any) -> None:
        if flush.request is None:
            path.flush_finished(flush)
        else:
            original(path, flush)

    original = SourcePath._start_flush
    return [_method(SourcePath, "_start_flush", start_flush)]


def mark_does_not_wait_for_writes() -> list[Any]:
    def try_mark(path: SourcePath) -> None:
        path.token += 1
        path.closing_token = path.token
        path._start_flush(Flush(path.token, None))

    return [_method(SourcePath, "_try_mark", try_mark)]


def window_dropped_at_receipt() -> list[Any]:
    def write(target: TargetPath, op: Any, seq: int, epoch: int) -> None:
        original(target, op, seq, epoch)
        for extent in range(op.first, op.last + 1):
            target.maps.window[extent] = 0

    original = TargetPath.write
    return [_method(TargetPath, "write", write)]


def acknowledged_at_receipt() -> list[Any]:
    def receipt(path: SourcePath, seq: int) -> None:
        waiting = [op for op in path.await_receipt if op.seq <= seq]
        original(path, seq)
        for op in waiting:
            path.written(op.seq)

    original = SourcePath.receipt
    return [_method(SourcePath, "receipt", receipt)]


def marks_during_a_window_copy() -> list[Any]:
    def close_epoch(path: SourcePath, *, force: bool = False) -> None:
        count, path.maps.dirty_count = path.maps.dirty_count, 0
        original(path, force=force)
        path.maps.dirty_count = count

    original = SourcePath.close_epoch
    return [_method(SourcePath, "close_epoch", close_epoch)]


# -- R4, R5: sessions and maps ----------------------------------------------------------------------------


def resumed_as_if_in_step() -> list[Any]:
    def absorb(maps: Maps) -> None:
        maps.set_durable(maps.epoch)

    def on_attached(side: Side, session: Any, message: dict[str, Any]) -> None:
        with (
            patch.object(Maps, "absorb_window", absorb),
            patch.object(Maps, "add", lambda _maps, _extents: None),
        ):
            original(side, session, message)

    original = attaching.on_attached
    return [_control("attached", on_attached)]


def old_session_not_drained() -> list[Any]:
    return [patch.object(TargetPath, "idle", PropertyMock(return_value=True))]


def difference_noted_after_the_write() -> list[Any]:
    def submit(path: SourcePath, op: Any) -> None:
        if op.seq:
            original(path, op)
            return
        for extent in range(op.first, op.last + 1):
            path.maps.clear_dirty(extent)
        original(path, op)
        for extent in range(op.first, op.last + 1):
            path.maps.set_dirty(extent)

    original = SourcePath._submit_local
    return [_method(SourcePath, "_submit_local", submit)]


def lost_maps_count() -> list[Any]:
    return [patch.object(Maps, "continuous", PropertyMock(return_value=True))]


# -- R6: rebuilding ---------------------------------------------------------------------------------------


def inconsistent_not_written() -> list[Any]:
    def on_attach(side: Side, session: Any, message: dict[str, Any]) -> None:
        before = side.record
        original(side, session, message)
        if side.record.state == State.INCONSISTENT != before.state:
            side.ports.persist(replace(side.record, state=before.state))

    original = attaching.on_attach
    return [_control("attach", on_attach)]


def difference_cleared_when_sent() -> list[Any]:
    def send(path: SourcePath, op: Any, *, fresh: bool = False) -> None:
        original(path, op, fresh=fresh)
        if op.kind == COPY:
            path.maps.clear_dirty(op.first)

    original = SourcePath._send
    return [_method(SourcePath, "_send", send)]


def copied_is_durable_at_once() -> list[Any]:
    def send(path: SourcePath, op: Any, *, fresh: bool = False) -> None:
        before = path.maps.window[op.first]
        original(path, op, fresh=fresh)
        if op.kind == COPY:
            path.maps.window[op.first] = before

    original = SourcePath._send
    return [_method(SourcePath, "_send", send)]


def full_copy_counts_late() -> list[Any]:
    def all_differs(side: Side, reason: str) -> None:
        if side.record.state != State.SOLO or side.session is None:
            original(side, reason)

    def on_attached(side: Side, session: Any, message: dict[str, Any]) -> None:
        if session.decision is not None and session.decision.mode == copy_mode.FULL:
            side.maps.set_all()
        attached(side, session, message)

    original, attached = Side.all_differs, attaching.on_attached
    return [_method(Side, "all_differs", all_differs), _control("attached", on_attached)]


def ended_copy_clears() -> list[Any]:
    def done(copy: Copy, op: Any) -> None:
        ended, copy.ended = copy.ended, False
        original(copy, op)
        copy.ended = ended

    original = Copy.done
    return [_method(Copy, "done", done)]


def writes_beside_a_copy_stay_local() -> list[Any]:
    def all_dirty(path: SourcePath, op: Any) -> bool:
        return all(path.maps.dirty[extent] for extent in range(op.first, op.last + 1))

    return [_method(SourcePath, "_all_dirty", all_dirty)]


# -- R7, R8, R9: starts and records ------------------------------------------------------------------------


def clean_without_proof() -> list[Any]:
    return [patch.object(Maps, "settled", PropertyMock(return_value=True))]


def lone_start_without_right() -> list[Any]:
    def may_activate(view: Any, **_told: bool) -> str:
        return copy_mode._NEVER.get(view.record.state, "")

    return [patch.object(copy_mode, "may_activate", may_activate)]


def crash_not_noticed() -> list[Any]:
    def view(side: Side) -> copy_mode.View:
        return copy_mode.View(side.record, sound=True, continuous=side.maps.continuous)

    return [patch.object(Side, "view", property(view))]


def open_not_recorded() -> list[Any]:
    return [_method(Side, "open", lambda _side, _role: None)]


# -- R11: order --------------------------------------------------------------------------------------------


def no_range_lock() -> list[Any]:
    return [patch.object(range_lock, "_overlap", lambda _one, _other: False)]


def copy_takes_no_lock() -> list[Any]:
    def overlap(one: Any, other: Any) -> bool:
        if COPY in (one.kind, other.kind):
            return False
        return bool(one.offset < other.offset + other.length and other.offset < one.offset + one.length)

    return [patch.object(range_lock, "_overlap", overlap)]


def nothing_sent_again() -> list[Any]:
    def begin_session(path: SourcePath) -> None:
        for op in list(path.outstanding.values()):
            path.written(op.seq)
        original(path)

    original = SourcePath.begin_session
    return [_method(SourcePath, "begin_session", begin_session)]


# -- R13, R14: leases and flushes --------------------------------------------------------------------------


def lease_is_ignored() -> list[Any]:
    return [_method(SourcePath, "freeze", lambda _path: None)]


def reads_without_lease() -> list[Any]:
    def read(path: SourcePath, op: Any) -> None:
        path.ports.submit_read(op)

    return [_method(SourcePath, "read", read)]


def served_before_drained() -> list[Any]:
    def try_activate(side: Side) -> None:
        with patch.object(TargetPath, "idle", PropertyMock(return_value=True)):
            original(side)

    original = requests.try_activate
    return [patch.object(requests, "try_activate", try_activate)]


def flush_only_here() -> list[Any]:
    def start_flush(path: SourcePath, flush: Any) -> None:
        mode, path.mode = path.mode, write_path.SOLO if flush.request is not None else path.mode
        original(path, flush)
        path.mode = mode

    original = SourcePath._start_flush
    return [_method(SourcePath, "_start_flush", start_flush)]


def flush_only_there() -> list[Any]:
    def flush_done(path: SourcePath, token: int, error: int, *, remote: bool) -> None:
        original(path, token, error, remote=remote)
        if remote:
            original(path, token, 0, remote=False)

    original = SourcePath.flush_done
    return [_method(SourcePath, "flush_done", flush_done)]


# -- access without a group ----------------------------------------------------------------------------------


def permitted_without_proof() -> list[Any]:
    def doubt(side: Side, peer_stale: int, *, right: bool) -> str:
        return "" if side.record.state == State.IN_SYNC else original(side, peer_stale, right=right)

    original = permits._doubt
    return [patch.object(permits, "_doubt", doubt)]


def permitted_while_equal() -> list[Any]:
    def go_solo(side: Side, reason: str, **options: Any) -> None:
        if "permitted" not in reason:
            original(side, reason, **options)

    original = Side.go_solo
    return [_method(Side, "go_solo", go_solo)]


def forced_not_recorded() -> list[Any]:
    return [patch.object(permits, "_force", lambda _side, _doubt: None)]


def forced_is_a_target() -> list[Any]:
    def force(side: Side, _doubt: str) -> None:
        side.persist(state=State.INCONSISTENT, target_of=0, clean=False)

    return [patch.object(permits, "_force", force)]


def forced_drags_the_other() -> list[Any]:
    table = tuple(row for row in copy_mode._TABLE if row[0] != "forced")
    return [patch.object(copy_mode, "_TABLE", table)]
