"""When the mirror connect is tried again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from twinset.mirror.latency import WRITE, Latency
from twinset.mirror.session import CONNECTED, IN_STEP
from twinset.shell.mirror_link import MirrorLink
from twinset.shell.mirror_session import MirrorSession
from twinset.wire import replication as wire


@pytest.fixture
def link() -> MirrorLink:
    """The connecting end of a mirror connect at time 0."""
    spec = SimpleNamespace(server_index=1, paths=[("10.0.0.2", "10.0.0.1")], connects=None, time_scale=1.0)
    side = SimpleNamespace(session=None, session_down=lambda _reason: None)
    daemon: Any = SimpleNamespace(
        spec=spec, retry_ms=300, now_ms=0, side=side, log=lambda *_, **__: None, changed=lambda: None
    )
    return MirrorLink(daemon, lambda: (b"key",))


def ends(link: MirrorLink, *, answered: bool, phase: str = "") -> int:
    """Let a session of that phase, or a handshake, end; return the wait until the next attempt."""
    link.daemon.side.session = SimpleNamespace(phase=phase) if phase else None  # type: ignore[assignment]
    if phase:
        link.session = SimpleNamespace(closed=False)  # type: ignore[assignment]
        link.end_session("over")
        return link.retry_at_ms - link.daemon.now_ms
    link.paths[0].retry_at_ms = 0
    connection: Any = SimpleNamespace(peer_nonce=b"nonce" if answered else b"", stage=wire.NEW, path=0)
    link.paths[0].connection = connection
    link.gone(connection, "over", lost=True)
    return link.paths[0].retry_at_ms - link.daemon.now_ms


def test_a_side_that_refuses_is_asked_ever_more_seldom(link: MirrorLink) -> None:
    """A FAULTY side accepts the connection and refuses to attach: the waits grow to a bound, 30 s."""
    waits = [ends(link, answered=True, phase=CONNECTED) for _ in range(20)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (300, 30_000)


def test_a_side_that_refuses_the_handshake_counts_too(link: MirrorLink) -> None:
    """Another key or another set: the other side answers and no session begins."""
    assert [ends(link, answered=True) for _ in range(20)][-1] == 30_000


def test_a_network_that_is_cut_does_not_count(link: MirrorLink) -> None:
    """Attempts that nobody answers, and sessions that were in step, leave the next attempt as quick as ever."""
    assert {ends(link, answered=False) for _ in range(20)} == {300}
    assert {ends(link, answered=True, phase=IN_STEP) for _ in range(20)} == {300}


def test_a_connection_that_breaks_while_it_takes_the_session_over_is_not_kept() -> None:
    """Both mirror connects are cut one after the other: the session ends instead of hanging on a closed connection."""
    ended: list[str] = []
    spec = SimpleNamespace(
        server_index=0, paths=[("a", "b"), ("c", "d")], connects=None, time_scale=1.0, port=1
    )
    side = SimpleNamespace(session=None, session_down=ended.append)
    daemon: Any = SimpleNamespace(
        spec=spec, retry_ms=300, now_ms=0, side=side, log=lambda *_, **__: None, changed=lambda: None
    )
    link = MirrorLink(daemon, lambda: (b"key",))
    second: Any = SimpleNamespace(
        path=1, stage=wire.TRUSTED, closed=False, out=[], peer_nonce=b"n", nonce=b"m", daemon=daemon
    )

    def breaks() -> None:
        if not second.closed:
            second.closed = True
            link.gone(second, "reset", lost=True)

    second.flush = breaks
    link.paths[1].connection = second
    session: Any = MirrorSession(link, second, b"i" * wire.IDENTITY_BYTES)
    session.bound = None
    link.session = daemon.session = session
    frame = (wire.RESUME, 0, wire.IDENTITY_BYTES, 0, 2, 0)
    link.act(second, frame, session.stream.identity)
    assert ended == ["reset"]
    assert link.session is None


def test_a_change_here_is_tried_at_once(link: MirrorLink) -> None:
    """After a request that may change the other side's mind nothing waits for the former refusals."""
    for _ in range(20):
        ends(link, answered=True, phase=CONNECTED)
    link.try_soon()
    assert link.retry_at_ms == 300


def test_what_an_earlier_session_sent_is_watched_no_longer(link: MirrorLink) -> None:
    """Its numbers begin anew: an operation of the new session would end the sample of the old one's."""
    latency = link.daemon.latency = Latency(iter(range(1, 100)).__next__)
    latency.turn(1)
    latency.begin(object(), WRITE, latency.clock())
    latency.queued(1)
    connection: Any = SimpleNamespace(nonce=b"n", peer_nonce=b"m", stage=wire.TRUSTED)
    link.session_begins(connection)
    assert latency.seq == -1
    assert latency.op is None
