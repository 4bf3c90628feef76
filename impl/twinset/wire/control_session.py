"""Ordered, at-most-once messages between two runs of the daemons, over any number of control connections.

A message gets a number and is written to every open connection; it is kept until the other side says that it
has it. A new connection begins with the number of the last message that arrived, and the other side sends the
rest again. So a LAN that dies takes no message with it as long as another works, or soon works again; what
arrives twice is dropped by its number.

Invariant: on one connection the numbers are contiguous; a gap is a breach of protocol.
A new instance of the other daemon is a new session: what was not confirmed by the old one is dropped.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from twinset.errors import ProtocolError

UNCONFIRMED_MAX: Final = 1024


class ControlSession:
    """Numbers, confirmations and repeats for one instance of the other daemon."""

    def __init__(self, peer_instance: str) -> None:
        self.peer_instance = peer_instance
        self.received = 0  # number of the last message that arrived in order
        self._number = 0
        self._unconfirmed: deque[tuple[int, dict[str, Any]]] = deque()

    def resume(self) -> dict[str, Any]:
        """Return the first frame of a connection."""
        return {"t": "resume", "received": self.received}

    def confirm(self) -> dict[str, Any]:
        """Return a frame that confirms what has arrived; also the sign of life of an idle connection."""
        return {"t": "ack", "received": self.received}

    def message(self, body: dict[str, Any]) -> dict[str, Any]:
        """Number and keep a message; return its frame. ProtocolError when the other side stopped reading."""
        if len(self._unconfirmed) >= UNCONFIRMED_MAX:
            raise ProtocolError(f"{UNCONFIRMED_MAX} messages are not confirmed by the other daemon")
        self._number += 1
        self._unconfirmed.append((self._number, body))
        return self._frame(self._number, body)

    def frames_after_resume(self, received: Any) -> list[dict[str, Any]]:
        """The other side said where it stands: return everything that it lacks."""
        self.confirmed(received)
        return [self._frame(number, body) for number, body in self._unconfirmed]

    def confirmed(self, received: Any) -> None:
        """The other side has everything up to this number."""
        if not isinstance(received, int) or isinstance(received, bool) or not 0 <= received <= self._number:
            raise ProtocolError(f"confirmation of message {received!r}; the last one sent was {self._number}")
        while self._unconfirmed and self._unconfirmed[0][0] <= received:
            self._unconfirmed.popleft()

    def accept(self, frame: dict[str, Any]) -> dict[str, Any] | None:
        """Return the message of a frame, or None when it had come before."""
        number, body = frame.get("n"), frame.get("b")
        if not isinstance(number, int) or isinstance(number, bool) or not isinstance(body, dict):
            raise ProtocolError("a message frame without number and body")
        if number <= self.received:
            return None
        if number != self.received + 1:
            raise ProtocolError(f"message {number} came after message {self.received}")
        self.received = number
        self.confirmed(frame.get("received"))
        return body

    def _frame(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        return {"t": "msg", "n": number, "received": self.received, "b": body}
