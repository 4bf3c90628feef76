"""Datagrams by which clusters on one LAN keep their names apart: who has this name? I have (2.2.2.3-04).

Nothing in them is authenticated: they can keep a new cluster from a name, and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

PORT: Final = 24009  # UDP
BYTES_MAX: Final = 512
ASK, HAVE = "who has the cluster name", "has the cluster name"


@dataclass(frozen=True, slots=True)
class Datagram:
    """A question, or the answer of a server whose cluster has that name."""

    kind: str  # ASK | HAVE
    name: str
    server: str = ""

    def encode(self) -> bytes:
        """Return the bytes."""
        return json.dumps({"twinset": self.kind, "name": self.name, "server": self.server}).encode()


def decode(data: bytes) -> Datagram | None:
    """Return what was said; None when it is none of ours."""
    try:
        body = json.loads(data) if len(data) <= BYTES_MAX else {}
        found = Datagram(body["twinset"], body["name"], body["server"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    texts = (found.kind, found.name, found.server)
    return found if all(isinstance(each, str) for each in texts) and found.kind in (ASK, HAVE) else None


def answer(data: bytes, own: str, me: str) -> bytes:
    """Return what a server answers whose cluster is called `own`; nothing when it was not asked for that."""
    asked = decode(data)
    if asked is None or asked.kind != ASK or not own or asked.name.casefold() != own.casefold():
        return b""
    return Datagram(HAVE, own, me).encode()
