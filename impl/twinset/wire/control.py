r"""Control connection between the two daemons, sans I/O: bytes in, bytes out, events.

    connector                               listener
       hello line ───────────────────────────▶     who, which daemon run (instance), a fresh nonce
       ◀────────────────────────────── hello line
       proof line ───────────────────────────▶     HMAC(key, role, both hellos)
       ◀────────────────────────────── proof line
       frames     ◀──────────────────────────▶     "<MAC> <JSON object>\n"

Both prove that they hold the cluster key over both nonces, so nothing recorded earlier helps. From then on
each frame carries HMAC(session key of the direction, frame counter, payload): frames can be neither changed,
dropped, repeated nor reordered without ending the connection. Payloads are not secret.

The caller's duties: send `data_to_send()` after every call; close after ProtocolError or receive_eof().

Versions: a hello says which ones its program speaks (versions.py); its other fields are the same in all of them, and
unknown ones are ignored. Version history: 1 - initial.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import ProtocolError
from twinset.wire.versions import Versions

if TYPE_CHECKING:
    from twinset.wire.keyring import Keyring

VERSIONS: Final = Versions(1, 1)
FIELD: Final = "twinset"  # of a hello
HELLO_BYTES_MAX: Final = 1024  # nobody is authenticated yet
FRAME_BYTES_MAX: Final = 1024 * 1024
MAC_HEX_DIGITS: Final = 64
NONCE_HEX_DIGITS: Final = 32
KINDS: Final = ("link", "configure", "support", "key")
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Hello:
    """What a side says of itself before anything is proved."""

    kind: str  # link: the cores' messages; configure: a configuration is handed over
    server: str  # the name of the server
    instance: str  # this run of the daemon, 32 hexadecimal digits
    nonce: str  # fresh for this connection, 32 hexadecimal digits

    def encode(self) -> bytes:
        """Return the hello line."""
        body = {
            **VERSIONS.said(FIELD),
            "kind": self.kind,
            "server": self.server,
            "instance": self.instance,
            "nonce": self.nonce,
        }
        return json.dumps(body, sort_keys=True).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Established:
    """The other side has proved that it holds the key."""

    hello: Hello


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """An authenticated JSON object."""

    body: dict[str, Any]


class ControlConnection:
    """One side of one connection. States: HELLO, PROOF, OPEN, CLOSED, in this order."""

    def __init__(self, keys: Keyring, hello: Hello, *, listener: bool) -> None:
        self._keys = keys
        self._hello = hello
        self._listener = listener
        self._state = "HELLO"
        self._in = bytearray()
        self._out = bytearray(hello.encode())
        self._events: list[Established | FrameReceived] = []
        self._own_line = hello.encode()
        self._peer: Hello | None = None
        self._peer_line = b""
        self._send_key = self._receive_key = b""
        self._sent = self._received = 0
        self._version = 0  # that both speak

    @property
    def is_open(self) -> bool:
        """True when both sides are authenticated."""
        return self._state == "OPEN"

    def receive_data(self, data: bytes) -> None:
        """Take what arrived; ProtocolError ends the connection."""
        if self._state == "CLOSED":
            raise ProtocolError("bytes after the end of a control connection")
        self._in += data
        try:
            while (end := self._in.find(b"\n")) >= 0:
                line = bytes(self._in[:end])
                del self._in[: end + 1]
                self._line(line)
            self._refuse_long(len(self._in))
        except ProtocolError:
            self._state = "CLOSED"
            raise

    def receive_eof(self) -> None:
        """The other side closed."""
        self._state = "CLOSED"

    def data_to_send(self) -> bytes:
        """Return the bytes that have to be sent now."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def events_received(self) -> list[Established | FrameReceived]:
        """Return what happened since the last call."""
        events, self._events = self._events, []
        return events

    def send(self, body: dict[str, Any]) -> None:
        """Queue a frame; only on an open connection."""
        if self._state != "OPEN":
            raise ProtocolError(f"cannot send a frame in state {self._state}")
        payload = json.dumps(body, separators=(",", ":")).encode()
        if len(payload) + MAC_HEX_DIGITS + 1 > FRAME_BYTES_MAX:
            raise ProtocolError(f"a frame of {len(payload)} bytes, at most {FRAME_BYTES_MAX} are allowed")
        mac = _frame_mac(self._send_key, self._sent, payload)
        self._sent += 1
        self._out += mac.encode() + b" " + payload + b"\n"

    def _refuse_long(self, length: int) -> None:
        limit = FRAME_BYTES_MAX if self._state == "OPEN" else HELLO_BYTES_MAX
        if length > limit:
            raise ProtocolError(f"a line longer than {limit} bytes in state {self._state}")

    def _line(self, line: bytes) -> None:
        self._refuse_long(len(line))
        if self._state == "HELLO":
            self._on_hello(line)
        elif self._state == "PROOF":
            self._on_proof(line)
        else:
            self._on_frame(line)

    def _on_hello(self, line: bytes) -> None:
        self._peer, self._version = _decode_hello(line)
        self._peer_line = line + b"\n"
        if self._peer.nonce == self._hello.nonce:
            raise ProtocolError("the other side repeats our own nonce")
        self._out += self._derive("proof", self._keys.current, self._listener).hex().encode() + b"\n"
        self._state = "PROOF"

    def _on_proof(self, line: bytes) -> None:
        theirs = [key for key in self._keys if self._proves(key, line)]
        if not theirs:
            raise ProtocolError("the other side does not hold the cluster key")
        self._send_key = self._derive("frames", self._keys.current, self._listener)
        self._receive_key = self._derive("frames", theirs[0], not self._listener)
        self._state = "OPEN"
        if self._peer is None:
            raise AssertionError("a proof without a hello")
        self._events.append(Established(self._peer))

    def _on_frame(self, line: bytes) -> None:
        mac, space, payload = line[:MAC_HEX_DIGITS], line[MAC_HEX_DIGITS : MAC_HEX_DIGITS + 1], line[65:]
        expected = _frame_mac(self._receive_key, self._received, payload).encode()
        if space != b" " or not hmac.compare_digest(expected, mac):
            raise ProtocolError(f"frame {self._received} is not authentic")
        self._received += 1
        self._events.append(FrameReceived(json_object(payload)))

    def _proves(self, key: bytes, line: bytes) -> bool:
        """True when the other side's proof was made with this key: both may be changing theirs (keyring.py)."""
        expected = self._derive("proof", key, not self._listener).hex().encode()
        return hmac.compare_digest(expected, line)

    def _derive(self, purpose: str, key: bytes, by_listener: bool) -> bytes:
        """HMAC over both hellos, always in the order connector, listener; the role keeps reflections out."""
        lines = (self._peer_line, self._own_line) if self._listener else (self._own_line, self._peer_line)
        role = "listener" if by_listener else "connector"
        text = f"twinset control {self._version} {purpose} {role}\n".encode()
        return hmac.new(key, text + b"".join(lines), hashlib.sha256).digest()


def _frame_mac(key: bytes, counter: int, payload: bytes) -> str:
    return hmac.new(key, counter.to_bytes(8, "big") + payload, hashlib.sha256).hexdigest()


def _decode_hello(line: bytes) -> tuple[Hello, int]:
    body = json_object(line)
    version = VERSIONS.agreed_with("control", FIELD, body)
    if body.get("kind") not in KINDS:
        raise ProtocolError(f"unknown kind of control connection {body.get('kind')!r}")
    server = body.get("server")
    if not isinstance(server, str) or not 0 < len(server.encode()) <= 64:
        raise ProtocolError("a hello without a valid server name")
    return Hello(body["kind"], server, _hex(body, "instance"), _hex(body, "nonce")), version


def _hex(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or len(value) != NONCE_HEX_DIGITS or not set(value) <= _HEX:
        raise ProtocolError(f"a hello whose {field} is not {NONCE_HEX_DIGITS} hexadecimal digits")
    return value


def json_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object of a line or of a frame; ProtocolError for anything else."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise ProtocolError("a line that is no JSON") from None
    if not isinstance(body, dict):
        raise ProtocolError("a line that is no JSON object")
    return body
