"""Each mirror connect of a set: whether it works, when it is given up, which one is to be preferred (2.1.5, 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from twinset.wire import replication as wire

if TYPE_CHECKING:
    from .mirror_connection import MirrorConnection
    from .mirror_link import MirrorLink
    from .mirror_spec import Spec

BEATS: Final = 10  # of a connection within the silence allowed
DOUBT_BEATS: Final = 3  # silent for so long, while another one is heard, a connection is left
DOUBT_MS_MIN: Final = 250
STEADY_BEATS: Final = 20  # a preferred connect that has returned works for so long before it is used again


@dataclass(slots=True)
class Path:
    """One mirror connect; in the order of the configuration, which is the order of preference."""

    index: int
    name: str
    local: str
    remote: str
    connection: MirrorConnection | None = None
    retry_at_ms: int = 0
    lost: bool = False  # it worked, and an event has told that it does not

    @property
    def addresses(self) -> str:
        """The own address and the other side's, for an event."""
        return f"{self.local} - {self.remote}"

    def as_json(self, bound: MirrorConnection | None) -> dict[str, Any]:
        """Return the state of the mirror connect in one word, with what names it."""
        connection = self.connection
        works = connection is not None and connection.stage != wire.NEW
        state = "in use" if works and connection is bound else "ready" if works else "lost"
        return {"name": self.name, "local": self.local, "remote": self.remote, "state": state}


def make(spec: Spec) -> list[Path]:
    """Return the mirror connects of a spec."""
    names = spec.connects or [f"mirror{index + 1}" for index in range(len(spec.paths))]
    return [Path(index, names[index], local, remote) for index, (local, remote) in enumerate(spec.paths)]


def ready(paths: list[Path]) -> list[MirrorConnection]:
    """Return the authenticated connections, the preferred one first."""
    found = [path.connection for path in paths if path.connection is not None]
    return [connection for connection in found if connection.stage != wire.NEW and not connection.closed]


def beat_ms(link: MirrorLink) -> int:
    """Return how often a connection says that it works."""
    return max(50, link.daemon.silence_ms // BEATS)


def keep_alive(link: MirrorLink, connection: MirrorConnection) -> None:
    """Say that this side lives; give a connection up that is silent, sooner where another one is heard."""
    if connection.stage == wire.NEW or connection.closed:
        return
    now, daemon = link.daemon.now_ms, link.daemon
    silent = now - connection.last_heard_ms
    doubt = max(DOUBT_MS_MIN, DOUBT_BEATS * beat_ms(link))
    others = [each for each in ready(link.paths) if each is not connection]
    heard = any(each.last_heard_ms > connection.last_heard_ms + doubt // 2 for each in others)
    if silent > daemon.silence_ms or (silent > doubt and heard):
        connection.close(f"nothing heard for {silent} ms")
        return
    if now - connection.last_sent_ms >= beat_ms(link):
        session = link.session
        taken = session.stream.taken if session is not None and session.bound is connection else 0
        connection.out.append(wire.FRAME.pack(wire.PING, 0, 0, taken, 0, 0))
        connection.flush()


def better(link: MirrorLink, bound: MirrorConnection) -> MirrorConnection | None:
    """Return a connection that is preferred to the bound one, and has worked for a while; None: stay."""
    steady_ms = STEADY_BEATS * beat_ms(link)
    for connection in ready(link.paths):
        if connection.path >= bound.path:
            return None
        if link.daemon.now_ms - connection.since_ms >= steady_ms and not bound.out:
            return connection
    return None
