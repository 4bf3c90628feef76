"""The exchange of wire.join over TCP, for the operator's command: no daemon takes part, and none trusts anybody yet.

Only between two hosts of one network (2.3.3-03): a join is done by people who sit at both servers, and what stands
between them is their own LAN.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from twinset.errors import ProtocolError, Refusal
from twinset.shell import own_network, run, store
from twinset.wire.join import KEY_BYTES, LINE_BYTES_MAX, SECRET_BYTES, Join

if TYPE_CHECKING:
    from collections.abc import Callable

    from twinset.shell.paths import Paths

PORT: Final = 24010
CONNECT_S: Final = 10.0
EXCHANGE_S: Final = 60.0  # for what needs no person
COMPARE_S: Final = 600.0  # for what does
CLAUSE: Final = "2.3.3-03"


@dataclass
class Side:
    """One side of the exchange on an open connection. `compare` asks the operator; it returns what he says."""

    connection: socket.socket
    join: Join
    compare: Callable[[str, str], bool]  # peer's name, fingerprint
    _pending: bytes = field(default=b"")

    def run(self, keep: Callable[[bytes], None]) -> None:
        """Carry the exchange out; `keep` makes the key durable. Refusal says how it ended otherwise."""
        try:
            self._exchange(keep)
        except TimeoutError:
            raise Refusal(
                "E_STATE", "join: the other server did not answer in time; nothing was joined"
            ) from None
        except (OSError, ProtocolError) as error:
            raise Refusal("E_STATE", f"join: {error}; nothing was joined") from None

    def _exchange(self, keep: Callable[[bytes], None]) -> None:
        join = self.join
        self._flush(EXCHANGE_S)
        while not join.fingerprint:
            join.receive_line(self._line(EXCHANGE_S))
            self._flush(EXCHANGE_S)
        if not self.compare(join.peer, join.fingerprint):
            raise Refusal(
                "E_DENIED", "join: the fingerprints are not the same: somebody may sit between the servers"
            )
        if join.inviting and join.key is not None:
            keep(join.key)
        join.confirm()
        self._flush(EXCHANGE_S)
        while not join.finished:
            join.receive_line(self._line(COMPARE_S))
            if not join.inviting and join.key is not None:
                keep(join.key)
                join.stored()
            self._flush(EXCHANGE_S)

    def _flush(self, seconds: float) -> None:
        self.connection.settimeout(seconds)
        for line in self.join.lines_to_send():
            self.connection.sendall(line)

    def _line(self, seconds: float) -> bytes:
        self.connection.settimeout(seconds)
        while b"\n" not in self._pending:
            if len(self._pending) > LINE_BYTES_MAX:
                raise ProtocolError("a line without end")
            data = self.connection.recv(LINE_BYTES_MAX)
            if not data:
                raise ProtocolError("the other server ended the exchange")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line


def invite(paths: Paths, me: str, address: str, compare: Callable[[str, str], bool], port: int = PORT) -> str:
    """Give the cluster key to the server that offers itself at `address`; return its name."""
    key = _own_key(paths) or secrets.token_bytes(KEY_BYTES)
    try:
        connection = socket.create_connection((address, port), CONNECT_S)
    except OSError as error:
        raise Refusal(
            "E_STATE", f"join: {address}:{port}: {error}", help="twinset join --offer, on the other server"
        ) from None
    with connection:
        _require_one_network(connection)
        join = Join(me, secrets.token_bytes(SECRET_BYTES), key)
        Side(connection, join, compare).run(lambda found: _keep(paths, found))
        return join.peer


def offer(
    paths: Paths, me: str, waits: Callable[[], None], compare: Callable[[str, str], bool], port: int = PORT
) -> str:
    """Wait for the server that invites this one, and take the cluster key from it; return its name."""
    if paths.key.exists():
        raise Refusal(
            "E_STATE",
            f"join: {paths.key} is there already: this server belongs to a cluster",
            help=f"twinset join ADDRESS, to invite another one; or remove {paths.key} first",
        )
    with socket.create_server(("", port), backlog=1, reuse_port=False) as listener:
        listener.settimeout(COMPARE_S)
        waits()
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            raise Refusal("E_STATE", f"join: nobody came within {COMPARE_S:g} s") from None
    with connection:
        _require_one_network(connection)
        join = Join(me, secrets.token_bytes(SECRET_BYTES), None)
        Side(connection, join, compare).run(lambda found: _keep(paths, found))
        return join.peer


def same_network(local: str, remote: str, interfaces: dict[str, set[str]]) -> bool:
    """True when both addresses lie in a network that one of the interfaces is attached to by the local address."""
    for addresses in interfaces.values():
        for text in addresses:
            own = ipaddress.IPv4Interface(text)
            if str(own.ip) == local and ipaddress.IPv4Address(remote) in own.network:
                return True
    return False


def _require_one_network(connection: socket.socket) -> None:
    local, remote = connection.getsockname()[0], connection.getpeername()[0]
    outcome = asyncio.run(run.run(["ip", "-j", "address", "show"], timeout_s=CONNECT_S))
    if not outcome.ok or not same_network(local, remote, own_network.addresses(outcome.stdout)):
        raise Refusal(
            "E_TOPOLOGY",
            f"join: {remote} is in no network that {local} is attached to",
            CLAUSE,
            "ip address show",
        )


def _own_key(paths: Paths) -> bytes:
    if not paths.key.exists():
        return b""
    try:
        return store.read_keys(paths.key).current
    except ValueError as error:
        raise Refusal("E_STATE", f"join: {error}") from None


def _keep(paths: Paths, key: bytes) -> None:
    """Durable, and readable by root only, from the first byte on."""
    paths.etc.mkdir(mode=0o755, parents=True, exist_ok=True)
    with contextlib.suppress(ValueError):
        if paths.key.exists() and store.read_keys(paths.key).current == key:
            return
    store.write_atomic(paths.key, key.hex() + "\n", 0o600)
