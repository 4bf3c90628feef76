"""One authenticated TCP connection between two daemons: the asyncio shell around wire.control."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import ProtocolError, VersionsApart
from twinset.shell import clock
from twinset.wire.control import ControlConnection, Established, FrameReceived, Hello

if TYPE_CHECKING:
    from twinset.wire.keyring import Keyring

CONTROL_PORT: Final = 24002
READ_BYTES: Final = 64 * 1024
UNSENT_BYTES_MAX: Final = 4 * 1024 * 1024
UNAUTHENTICATED_MAX: Final = 16
IP_FREEBIND: Final = 15
KEEPALIVE_S: Final = 5  # between looks at a connection on which nothing passes
GONE_S: Final = 20  # without a word of the other server's kernel: it has no power, or there is no way to it

Problem = Callable[[str], None]


class Channel:
    """An open connection whose two ends have proved that they hold the key."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: ControlConnection
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._connection = connection
        self._ready: list[dict[str, Any]] = []
        self.hello: Hello | None = None
        self.heard_ms = clock.now_ms()
        self.resumed = False
        self.label = _label(writer)

    async def handshake(self, timeout_s: float) -> Hello:
        """Exchange hellos and proofs; ProtocolError or OSError when that fails."""
        try:
            async with asyncio.timeout(timeout_s):
                self._flush()
                while self.hello is None:
                    await self._read()
        except TimeoutError:
            raise ConnectionAbortedError("no complete handshake in time") from None
        return self.hello

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the other side sends, until it closes."""
        while True:
            ready, self._ready = self._ready, []
            for frame in ready:
                yield frame
            if not self._ready:
                await self._read()

    def send(self, body: dict[str, Any]) -> None:
        """Send a frame; ProtocolError when the other side does not read."""
        self._connection.send(body)
        self._flush()
        if self._writer.transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            self.close()
            raise ProtocolError("the other daemon does not read")

    async def drained(self) -> None:
        """Wait until what was sent has left this process."""
        await self._writer.drain()

    def close(self) -> None:
        """End the connection now."""
        self._writer.transport.abort()

    async def _read(self) -> None:
        data = await self._reader.read(READ_BYTES)
        if not data:
            self._connection.receive_eof()
            raise ConnectionResetError("closed by the other side")
        self.heard_ms = clock.now_ms()
        self._connection.receive_data(data)
        self._flush()
        for event in self._connection.events_received():
            if isinstance(event, Established):
                self.hello = event.hello
            elif isinstance(event, FrameReceived):
                self._ready.append(event.body)

    def _flush(self) -> None:
        data = self._connection.data_to_send()
        if data:
            self._writer.write(data)


def hello(kind: str, server: str, instance: str) -> Hello:
    """Return a hello with a fresh nonce."""
    return Hello(kind, server, instance, secrets.token_hex(16))


async def connect(
    keys: Keyring, own: Hello, local: str | None, remote: str, timeout_s: float, port: int = CONTROL_PORT
) -> Channel:
    """Open an authenticated connection; OSError or ProtocolError when there is none."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(
                remote, port, local_addr=None if local is None else (local, 0)
            )
    except TimeoutError:
        raise OSError(f"{remote}: no answer") from None
    _tune(writer)
    channel = Channel(reader, writer, ControlConnection(keys, own, listener=False))
    try:
        await channel.handshake(timeout_s)
    except BaseException:
        channel.close()
        raise
    return channel


class ControlPort:
    """The listening side: authenticates whoever connects and hands the channel to the one for its kind."""

    def __init__(
        self,
        keys: Keyring,
        own_hello: Callable[[], Hello],
        handlers: dict[str, Callable[[Channel], Awaitable[None]]],
        problem: Problem,
        handshake_timeout_s: float = 5.0,
        apart: Problem | None = None,
    ) -> None:
        self.keys = keys
        self._own_hello = own_hello
        self._handlers = handlers
        self._problem = problem
        self._apart = apart or problem
        self._timeout_s = handshake_timeout_s
        self._servers: dict[str, asyncio.Server] = {}
        self._unauthenticated = 0
        self._open: set[asyncio.Task[None]] = set()

    async def listen(self, addresses: list[str], port: int = CONTROL_PORT) -> None:
        """Listen on what is not listened on yet; what fails is reported and tried at the next call."""
        for address in addresses:
            if address in self._servers:
                continue
            try:
                bound = _bind(address, port)
            except OSError as error:
                self._problem(f"cannot listen on {address}:{port}: {error.strerror}")
                continue
            self._servers[address] = await asyncio.start_server(self._accepted, sock=bound)

    def close(self) -> None:
        """Stop listening and end every accepted connection."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()
        for task in list(self._open):
            task.cancel()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        label = _label(writer)
        if self._unauthenticated >= UNAUTHENTICATED_MAX:
            writer.transport.abort()
            self._problem(f"{label}: refused, {UNAUTHENTICATED_MAX} connections wait for their handshake")
            return
        own = self._own_hello()
        channel: Channel | None = None
        try:
            _tune(writer)
            channel = Channel(reader, writer, ControlConnection(self.keys, own, listener=True))
            self._unauthenticated += 1
            try:
                peer = await channel.handshake(self._timeout_s)
            finally:
                self._unauthenticated -= 1
            await self._handlers[peer.kind](channel)
        except VersionsApart as error:
            self._apart(f"{label}: {error}")
        except ProtocolError as error:
            self._problem(f"{label}: {error}")
        except KeyError:
            self._problem(f"{label}: not served now")
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()


def _bind(address: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        bound.bind((address, port))
        bound.listen(32)
    except OSError:
        bound.close()
        raise
    return bound


def _tune(writer: asyncio.StreamWriter) -> None:
    """Send at once, and have the kernel end a connection whose other end is gone: who waits for it has to be told."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_S)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_S * 1000)


def _label(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "unknown"
