"""What the daemon may ask of twinset-mirrord, verb by verb; each is answered, at once or when it is done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import DiskError
from twinset.mirror import divergence, failures, permits, requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from .control_socket import ControlConnection
    from .mirror_loop import Mirrord


def handle(daemon: Mirrord, connection: ControlConnection, message: dict[str, Any]) -> None:
    """Carry out one request, or answer why not; never raises."""
    verb, request = message["verb"], (connection, message.get("id"))
    action = _VERBS.get(verb)
    if action is None:
        daemon.reply(request, ("E_NOTFOUND", f"unknown verb {verb!r}; known: {', '.join(_VERBS)}"))
        return
    daemon.control.tell_late(connection)
    try:
        action(daemon, request, message)
    except DiskError as error:
        daemon.reply(request, ("E_DISK", str(error)))
        failures.record_failed(daemon.side, str(error))
    except (KeyError, TypeError, ValueError) as error:
        daemon.reply(request, ("E_SYNTAX", f"{verb}: bad argument: {error}"))
    if verb in ("activate", "create", "rebuild", "restrict", "give_up", "keep"):
        daemon.link.try_soon()


def do_status(daemon: Mirrord, request: Any, _message: dict[str, Any]) -> None:
    """Answer with the status, and with the latencies, which are told only when asked."""
    _result(request, daemon.status() | {"latency": daemon.latency.told()})


def do_latency(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Sample latencies of every Nth operation, or (0) of none any more; the answer has what was seen before."""
    seen = daemon.latency.told()
    daemon.latency.turn(int(message["every"]))
    _result(request, seen)


def _result(request: Any, result: dict[str, Any]) -> None:
    request[0].send({"id": request[1], "ok": True, "result": result})


def do_lease(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Take a new end of the lease."""
    until = int(message["until_boottime_ns"])
    daemon.lease_ns = until
    if until > time.clock_gettime_ns(time.CLOCK_BOOTTIME):
        daemon.side.thaw()
    connection, number = request
    connection.send({"id": number, "ok": True})


def do_activate(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Serve the data."""
    requests.activate(daemon.side, request, peer_down=_peer_down(message["peer"]))


def do_deactivate(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Serve no more. With `revoke` what is outstanding ends with an error: the right to write is gone."""
    if message.get("revoke") is True and daemon.side.serving:
        daemon.side.revoke("the other server has declared this one down")
    requests.deactivate(daemon.side, request)


def do_peer(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Take membership's verdict on the other server."""
    requests.peer(daemon.side, down=_peer_down(message["state"]))
    daemon.reply(request, None)


def do_mark_stale(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Make this side STALE, for the other one."""
    requests.mark_stale(daemon.side, request, int(message["cur"], 16))


def do_peer_stale(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Learn that the other side is STALE."""
    requests.peer_stale(daemon.side, int(message["cur"], 16))
    daemon.reply(request, None)


def do_rebuild(daemon: Mirrord, request: Any, _message: dict[str, Any]) -> None:
    """Learn that the other server has returned."""
    requests.rebuild(daemon.side)
    daemon.reply(request, None)


def do_create(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Create the mirror, or name the good side."""
    requests.create(daemon.side, request, source=bool(message["source"]))


def do_permit(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Open this side without its group; `peer_stale` is the generation in which the other side is STALE."""
    peer_stale = int(message.get("peer_stale") or "0", 16)
    forced, right = bool(message["forced"]), bool(message.get("right"))
    permits.permit(daemon.side, request, forced=forced, peer_stale=peer_stale, right=right)


def do_restrict(daemon: Mirrord, request: Any, _message: dict[str, Any]) -> None:
    """Withdraw that access."""
    permits.restrict(daemon.side, request)


def do_verify(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Compare both sides, or stop comparing them."""
    if message.get("stop") is True:
        daemon.side.verify.stop(request)
    else:
        daemon.side.verify.start(request, repair=message.get("repair") is True)


def do_keep_blocks(daemon: Mirrord, request: Any, _message: dict[str, Any]) -> None:
    """Keep what this side would lose by being given up; the status says when it is done."""
    daemon.kept.start(request)


def do_give_up(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Give this side up after a divergence: only with its blocks kept, or `discard`."""
    if not (daemon.kept.complete or message.get("discard") is True or daemon.side.record.yielded):
        daemon.reply(request, ("E_STATE", "its blocks are not kept"))
    else:
        divergence.give_up(daemon.side, request)


def do_keep(daemon: Mirrord, request: Any, _message: dict[str, Any]) -> None:
    """Name this side the good one after a divergence."""
    divergence.keep(daemon.side, request)


def do_close(daemon: Mirrord, request: Any, message: dict[str, Any]) -> None:
    """Close cleanly."""
    requests.close(daemon.side, request, solo_right=bool(message.get("solo_right")))


def _peer_down(word: str) -> bool:
    if word not in ("up", "down"):
        raise ValueError(f"{word!r} is neither up nor down")
    return word == "down"


_VERBS: Final[dict[str, Callable[[Mirrord, Any, dict[str, Any]], None]]] = {
    "status": do_status,
    "latency": do_latency,
    "lease": do_lease,
    "activate": do_activate,
    "deactivate": do_deactivate,
    "peer": do_peer,
    "mark_stale": do_mark_stale,
    "peer_stale": do_peer_stale,
    "rebuild": do_rebuild,
    "create": do_create,
    "permit": do_permit,
    "restrict": do_restrict,
    "verify": do_verify,
    "keep_blocks": do_keep_blocks,
    "give_up": do_give_up,
    "keep": do_keep,
    "close": do_close,
}
