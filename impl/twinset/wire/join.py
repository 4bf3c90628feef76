"""How two servers that share nothing yet come to share the cluster key: one short comparison by eye. Pure.

The *offering* server has no key and listens; the *inviting* one connects, and has the key or makes it. They use
Diffie-Hellman in the 2048-bit group of RFC 3526, with a commitment before it (as in ZRTP, RFC 6189 4.4.1.1): whoever
sits between the two has to choose his numbers before he can know the fingerprint that they will lead to, so he cannot
try many. Each line is one JSON object:

    1 invite  {"twinset_join": 1, "server": "server1", "commitment": SHA-256 of the inviting side's public number}
    2 offer   {"twinset_join": 1, "server": "server2", "public": hex}
    3 reveal  {"public": hex}                     both sides show the fingerprint now; the operator compares
    4 agreed  {"agreed": MAC}                     the offering side, once its operator has said yes
    5 key     {"sealed": hex, "mac": hex}         the inviting side, once its operator has said yes
    6 stored  {"stored": MAC}                     the key is durable on the offering side

Lines 4 to 6 prove the common secret, over everything that was said before. The key is 32 bytes, sealed by a pad of
32 bytes that is derived from that secret for this alone, so each pad is used once.

Caller's duties: feed `receive_line`; send what `lines_to_send` returns; show `fingerprint` as soon as there is one
and call `confirm` only after the operator has compared it; make `key` durable, then call `stored`. After a
ProtocolError: close.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Final

from twinset.errors import ProtocolError
from twinset.wire.control import json_object

VERSION: Final = 1
LINE_BYTES_MAX: Final = 4096
KEY_BYTES: Final = 32
SECRET_BYTES: Final = 32  # of the own random number
FINGERPRINT_GROUPS: Final = 5  # of four hexadecimal digits
# RFC 3526, group 14.
PRIME: Final = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
GENERATOR: Final = 2
NUMBER_BYTES: Final = 256
MAC_BYTES: Final = 32


class Number:
    """The own random number of a Diffie-Hellman exchange."""

    def __init__(self, secret: bytes) -> None:
        """`secret` are SECRET_BYTES random bytes, used for nothing else."""
        if len(secret) != SECRET_BYTES:
            raise ValueError("a secret of the wrong length")
        self._number = int.from_bytes(secret, "big")
        self.public = pow(GENERATOR, self._number, PRIME).to_bytes(NUMBER_BYTES, "big")

    def common_secret(self, public: bytes, context: bytes) -> bytes:
        """Return the secret that both sides have, bound to `context`; ProtocolError for a number that gives it away."""
        number = int.from_bytes(public, "big")
        if not 2 <= number <= PRIME - 2:
            raise ProtocolError("a public number that leads to a known secret")
        shared = pow(number, self._number, PRIME).to_bytes(NUMBER_BYTES, "big")
        return hmac.digest(context, shared, "sha256")


def seal(key: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """Return a key sealed by a common secret, and its MAC; once for each secret."""
    sealed = _pad(key, _derived(secret, "key pad"))
    return sealed, hmac.digest(_derived(secret, "key mac"), sealed, "sha256")


def unseal(sealed: bytes, mac: bytes, secret: bytes) -> bytes:
    """Return the key; ProtocolError when it was not sealed by this secret."""
    if not hmac.compare_digest(mac, hmac.digest(_derived(secret, "key mac"), sealed, "sha256")):
        raise ProtocolError("the key is not authentic")
    return _pad(sealed, _derived(secret, "key pad"))


class Join:
    """One side. `key` is given to the inviting side, and found by the offering one."""

    def __init__(self, server: str, secret: bytes, key: bytes | None) -> None:
        """`secret` are SECRET_BYTES random bytes, used for nothing else; `key` the cluster key, None to offer."""
        if key is not None and len(key) != KEY_BYTES:
            raise ValueError("a key of the wrong length")
        self.inviting = key is not None
        self.key = key
        self.peer = ""
        self.fingerprint = ""
        self.finished = False
        self._server = server
        self._number = Number(secret)
        self._said = hashlib.sha256()  # of everything that was said, by both
        self._secret = b""
        self._commitment = b""
        self._confirmed = False
        self._agreed = False  # the other side's operator has said yes
        self._out: list[bytes] = []
        self._waits_for = "offer" if self.inviting else "invite"
        if self.inviting:
            commitment = hashlib.sha256(self._number.public).hexdigest()
            self._say({"twinset_join": VERSION, "server": server, "commitment": commitment})

    def lines_to_send(self) -> list[bytes]:
        """Return what has to be sent now, each with its line end."""
        lines, self._out = self._out, []
        return lines

    def receive_line(self, line: bytes) -> None:
        """Take one line of the other side; ProtocolError ends the exchange."""
        if len(line) > LINE_BYTES_MAX:
            raise ProtocolError(f"a line longer than {LINE_BYTES_MAX} bytes")
        body = json_object(line)
        handler = {
            "invite": self._on_invite,
            "offer": self._on_offer,
            "reveal": self._on_reveal,
            "agreed": self._on_agreed,
            "key": self._on_key,
            "stored": self._on_stored,
        }.get(self._waits_for)
        if handler is None:
            raise ProtocolError("nothing more was expected")
        handler(body, line)

    def confirm(self) -> None:
        """The operator has compared the fingerprint here: it is the same on the other server."""
        if not self.fingerprint:
            raise ProtocolError("there is no fingerprint yet")
        self._confirmed = True
        if self.inviting:
            self._give_key()
        else:
            self._say({"agreed": self._mac("agreed")})
            self._waits_for = "key"

    def stored(self) -> None:
        """The offering side has made the key durable."""
        if self.inviting or self.key is None:
            raise ProtocolError("there is no key to be stored")
        self._say({"stored": self._mac("stored")})
        self.finished = True

    # -- what arrives -----------------------------------------------------------------------------------

    def _on_invite(self, body: dict[str, Any], line: bytes) -> None:
        self._greet(body)
        self._commitment = hex_field(body, "commitment", 32)
        self._hear(line)
        self._say({"twinset_join": VERSION, "server": self._server, "public": self._number.public.hex()})
        self._waits_for = "reveal"

    def _on_offer(self, body: dict[str, Any], line: bytes) -> None:
        self._greet(body)
        public = hex_field(body, "public", NUMBER_BYTES)
        self._hear(line)
        self._say({"public": self._number.public.hex()})
        self._agree_on(public)
        self._waits_for = "agreed"

    def _on_reveal(self, body: dict[str, Any], line: bytes) -> None:
        public = hex_field(body, "public", NUMBER_BYTES)
        if not hmac.compare_digest(hashlib.sha256(public).digest(), self._commitment):
            raise ProtocolError("the other side does not keep what it committed itself to")
        self._hear(line)
        self._agree_on(public)
        self._waits_for = "operator"

    def _on_agreed(self, body: dict[str, Any], _line: bytes) -> None:
        self._prove(body, "agreed")
        self._agreed = True
        self._waits_for = "stored"
        self._give_key()

    def _on_key(self, body: dict[str, Any], _line: bytes) -> None:
        self.key = unseal(
            hex_field(body, "sealed", KEY_BYTES), hex_field(body, "mac", MAC_BYTES), self._secret
        )
        self._waits_for = "nothing"

    def _on_stored(self, body: dict[str, Any], _line: bytes) -> None:
        self._prove(body, "stored")
        self.finished = True
        self._waits_for = "nothing"

    # -- the common secret ------------------------------------------------------------------------------

    def _greet(self, body: dict[str, Any]) -> None:
        if body.get("twinset_join") != VERSION:
            raise ProtocolError(
                f"the other side speaks join version {body.get('twinset_join')!r}, not {VERSION}"
            )
        peer = body.get("server")
        if not isinstance(peer, str) or not 0 < len(peer.encode()) <= 64 or not peer.isprintable():
            raise ProtocolError("the other side does not say which server it is")
        if peer.casefold() == self._server.casefold():
            raise ProtocolError(f"the other side is called {peer}, as this server is")
        self.peer = peer

    def _agree_on(self, public: bytes) -> None:
        self._secret = self._number.common_secret(public, self._said.digest())
        digits = _derived(self._secret, "fingerprint").hex()
        self.fingerprint = "-".join(digits[4 * group : 4 * group + 4] for group in range(FINGERPRINT_GROUPS))

    def _give_key(self) -> None:
        """Only when both operators have said yes."""
        if self.key is None or not (self._confirmed and self._agreed):
            return
        sealed, mac = seal(self.key, self._secret)
        self._say({"sealed": sealed.hex(), "mac": mac.hex()})

    def _mac(self, purpose: str) -> str:
        return _derived(self._secret, f"mac {purpose}").hex()

    def _prove(self, body: dict[str, Any], purpose: str) -> None:
        if not hmac.compare_digest(hex_field(body, purpose, 32).hex(), self._mac(purpose)):
            raise ProtocolError("the other side does not know the common secret")

    def _say(self, body: dict[str, Any]) -> None:
        line = json.dumps(body, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        self._hear(line)
        self._out.append(line)

    def _hear(self, line: bytes) -> None:
        self._said.update(line.rstrip(b"\n") + b"\n")


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, f"twinset join {VERSION} {purpose}".encode(), "sha256")


def _pad(data: bytes, pad: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(data, pad, strict=True))


def hex_field(body: dict[str, Any], field: str, size: int) -> bytes:
    """Return a field of that many bytes, written in hexadecimal; ProtocolError when it is none."""
    value = body.get(field)
    try:
        raw = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        raw = b""
    if len(raw) != size:
        raise ProtocolError(f"{field}: {size} bytes in hexadecimal were expected")
    return raw
