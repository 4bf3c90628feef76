"""NBD, handshake phase: fixed newstyle negotiation, server side.

Theory of operation. The server greets, the client answers with its flags, then sends options, each of which
is answered, until one of them (EXPORT_NAME or GO) chooses an export: then the transmission phase begins.
An export that is not ready is listed but refused with NBD_REP_ERR_POLICY and a text: clients show that text,
while they take ERR_UNSUP as an invitation to try EXPORT_NAME, which cannot carry a reason.

Rules:
1. Every length is checked against a limit before anything of that length is waited for.
2. What a client may get wrong by chance is answered with an error; what makes the stream unreadable, or goes
   on for too long, ends the session.
3. There is no TLS: STARTTLS is an unsupported option like any other.
4. Nothing after the chosen export is looked at: it is `trailing` data of the transmission phase.

Duties of the caller: after every call of `receive_data` or `receive_eof` send `data_to_send` and handle
`events_received`, in this order.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from .nbd import ERROR_MESSAGE_BYTES_MAX, Export, truncate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NBDMAGIC: Final = b"NBDMAGIC"
IHAVEOPT: Final = b"IHAVEOPT"
OPTION_REPLY_MAGIC: Final = 0x0003E889045565A9

NBD_FLAG_FIXED_NEWSTYLE: Final = 1
NBD_FLAG_NO_ZEROES: Final = 2

NBD_OPT_EXPORT_NAME, NBD_OPT_ABORT, NBD_OPT_LIST = 1, 2, 3
NBD_OPT_STARTTLS, NBD_OPT_INFO, NBD_OPT_GO, NBD_OPT_STRUCTURED_REPLY = 5, 6, 7, 8

NBD_REP_ACK, NBD_REP_SERVER, NBD_REP_INFO = 1, 2, 3
NBD_REP_ERR_UNSUP: Final = (1 << 31) + 1
NBD_REP_ERR_POLICY: Final = (1 << 31) + 2
NBD_REP_ERR_INVALID: Final = (1 << 31) + 3
NBD_REP_ERR_UNKNOWN: Final = (1 << 31) + 6
NBD_REP_ERR_TOO_BIG: Final = (1 << 31) + 9

NBD_INFO_EXPORT, NBD_INFO_NAME, NBD_INFO_DESCRIPTION, NBD_INFO_BLOCK_SIZE = 0, 1, 2, 3

STRING_BYTES_MAX: Final = 4096  # the protocol's limit of an export name
OPTION_BYTES_MAX: Final = 16 << 10  # a longest name and more information requests than there are
OPTIONS_MAX: Final = 1000  # enough to ask for every export several times; ends a client that loops

_GREETING: Final = struct.Struct(">8s8sH")
_CLIENT_FLAGS: Final = struct.Struct(">I")
_OPTION: Final = struct.Struct(">8sII")  # IHAVEOPT, option, length of its data
_OPTION_REPLY: Final = struct.Struct(">QIII")  # magic, option, reply type, length of its data
_EXPORT_NAME_REPLY: Final = struct.Struct(">QH")  # size, transmission flags
_INFO_EXPORT: Final = struct.Struct(">HQH")  # information type, size, transmission flags
_INFO_BLOCK_SIZE: Final = struct.Struct(">HIII")  # information type, minimum, preferred, maximum


@dataclass(frozen=True, slots=True)
class ExportChosen:
    """The transmission phase begins. `trailing` was received already and belongs to it."""

    export: Export
    structured_replies: bool
    trailing: bytes


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """Close the connection after sending what is to be sent. `broken`: the client broke the protocol."""

    reason: str
    broken: bool = False


class Phase(Enum):
    """Where a session is. TRANSMISSION and CLOSED take no more data here."""

    CLIENT_FLAGS = "client flags"
    OPTIONS = "options"
    TRANSMISSION = "transmission"
    CLOSED = "closed"


class Handshake:
    """One client that negotiates. `exports` is asked for every option anew: a side may become active."""

    def __init__(self, exports: Callable[[], Sequence[Export]]) -> None:
        self._exports = exports
        self.phase = Phase.CLIENT_FLAGS
        self._received = bytearray()
        self._output = [_GREETING.pack(NBDMAGIC, IHAVEOPT, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES)]
        self._events: list[ExportChosen | SessionEnded] = []
        self._fixed_newstyle = self._no_zeroes = self._structured_replies = False
        self._options = 0

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Take what the client sent, in pieces of any size."""
        if self.phase in (Phase.TRANSMISSION, Phase.CLOSED):
            raise RuntimeError(f"data of the {self.phase.value} phase given to the handshake")
        self._received += data
        if self.phase is Phase.CLIENT_FLAGS:
            self._read_client_flags()
        while self.phase is Phase.OPTIONS and self._read_option():
            pass

    def receive_eof(self) -> None:
        """Take the end of the stream. Leaving between two options is no fault."""
        if self.phase in (Phase.TRANSMISSION, Phase.CLOSED):
            return
        within = bool(self._received)
        self._end("the client left" + (" in the middle of a message" if within else ""), broken=within)

    def data_to_send(self) -> bytes:
        """Return what has to be sent to the client now."""
        output = b"".join(self._output)
        self._output.clear()
        return output

    def events_received(self) -> list[ExportChosen | SessionEnded]:
        """Return what has happened since the last call; after either event the handshake is over."""
        events = self._events
        self._events = []
        return events

    def _end(self, reason: str, *, broken: bool = False) -> None:
        self.phase = Phase.CLOSED
        self._received.clear()
        self._events.append(SessionEnded(reason, broken))

    def _read_client_flags(self) -> None:
        if len(self._received) < _CLIENT_FLAGS.size:
            return
        (flags,) = _CLIENT_FLAGS.unpack_from(self._received)
        del self._received[: _CLIENT_FLAGS.size]
        if flags & ~(NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES):
            self._end(f"client flags {flags:#x} are not known", broken=True)
            return
        self._fixed_newstyle = bool(flags & NBD_FLAG_FIXED_NEWSTYLE)
        self._no_zeroes = bool(flags & NBD_FLAG_NO_ZEROES)
        self.phase = Phase.OPTIONS

    def _read_option(self) -> bool:
        """Handle one option; return False when it has not come in whole."""
        if len(self._received) < _OPTION.size:
            return False
        magic, option, length = _OPTION.unpack_from(self._received)
        if magic != IHAVEOPT:
            self._end(f"option magic is {magic!r} instead of {IHAVEOPT!r}", broken=True)
            return False
        if length > OPTION_BYTES_MAX:
            self._end(f"option {option} has {length} bytes, at most {OPTION_BYTES_MAX} are read", broken=True)
            return False
        if len(self._received) < _OPTION.size + length:
            return False
        data = bytes(self._received[_OPTION.size : _OPTION.size + length])
        del self._received[: _OPTION.size + length]
        self._options += 1
        if self._options > OPTIONS_MAX:
            self._end(f"more than {OPTIONS_MAX} options", broken=True)
        elif not self._fixed_newstyle and option != NBD_OPT_EXPORT_NAME:
            self._end(f"option {option} of a client that is not fixed newstyle", broken=True)
        else:
            self._handle(option, data)
        return True

    def _handle(self, option: int, data: bytes) -> None:
        match option:
            case 1:  # NBD_OPT_EXPORT_NAME
                self._export_name(data)
            case 2:  # NBD_OPT_ABORT
                self._reply(option, NBD_REP_ACK)
                self._end("the client aborted the negotiation")
            case 3:  # NBD_OPT_LIST
                self._list(data)
            case 6 | 7:  # NBD_OPT_INFO, NBD_OPT_GO
                self._info(option, data)
            case 8 if data:  # NBD_OPT_STRUCTURED_REPLY
                self._refuse(option, NBD_REP_ERR_INVALID, "STRUCTURED_REPLY has no data")
            case 8:
                self._structured_replies = True
                self._reply(option, NBD_REP_ACK)
            case _:  # NBD_OPT_STARTTLS among them
                self._refuse(option, NBD_REP_ERR_UNSUP, f"option {option} is not supported")

    def _reply(self, option: int, kind: int, data: bytes = b"") -> None:
        self._output.append(_OPTION_REPLY.pack(OPTION_REPLY_MAGIC, option, kind, len(data)) + data)

    def _refuse(self, option: int, kind: int, message: str) -> None:
        self._reply(option, kind, truncate(message, ERROR_MESSAGE_BYTES_MAX))

    def _find(self, name: bytes) -> Export | None:
        """Return the export of that name; the empty name is the first one."""
        for export in self._exports():
            if not name or export.name.encode() == name:
                return export
        return None

    def _choose(self, export: Export) -> None:
        self.phase = Phase.TRANSMISSION
        self._events.append(ExportChosen(export, self._structured_replies, bytes(self._received)))
        self._received.clear()

    def _export_name(self, name: bytes) -> None:
        export = self._find(name)
        if export is None or export.not_ready:
            why = "does not exist" if export is None else f"is not ready: {export.not_ready}"
            self._end(f"export {name[:STRING_BYTES_MAX]!r} {why}")  # this option has no error reply
            return
        self._output.append(_EXPORT_NAME_REPLY.pack(export.size_bytes, export.transmission_flags))
        if not self._no_zeroes:
            self._output.append(bytes(124))
        self._choose(export)

    def _list(self, data: bytes) -> None:
        if data:
            self._refuse(NBD_OPT_LIST, NBD_REP_ERR_INVALID, "LIST has no data")
            return
        for export in self._exports():
            name = export.name.encode()
            text = truncate(export.not_ready or export.description, STRING_BYTES_MAX)
            self._reply(NBD_OPT_LIST, NBD_REP_SERVER, struct.pack(">I", len(name)) + name + text)
        self._reply(NBD_OPT_LIST, NBD_REP_ACK)

    def _info(self, option: int, data: bytes) -> None:
        """Answer INFO or GO: name length, name, number of information requests, requests."""
        asked = _information_requests(data)
        if isinstance(asked, str):
            self._refuse(option, NBD_REP_ERR_INVALID, asked)
            return
        name, kinds = asked
        if len(name) > STRING_BYTES_MAX:
            self._refuse(option, NBD_REP_ERR_TOO_BIG, f"a name has at most {STRING_BYTES_MAX} bytes")
            return
        export = self._find(name)
        if export is None:
            shown = name.decode(errors="replace")
            self._refuse(option, NBD_REP_ERR_UNKNOWN, f"there is no export named {shown!r}")
            return
        if export.not_ready:
            self._refuse(option, NBD_REP_ERR_POLICY, f"Not Ready: {export.not_ready}")
            return
        flags = export.transmission_flags
        self._reply(option, NBD_REP_INFO, _INFO_EXPORT.pack(NBD_INFO_EXPORT, export.size_bytes, flags))
        sizes = (export.block_min_bytes, export.block_preferred_bytes, export.block_max_bytes)
        self._reply(option, NBD_REP_INFO, _INFO_BLOCK_SIZE.pack(NBD_INFO_BLOCK_SIZE, *sizes))
        for kind, text in ((NBD_INFO_NAME, export.name), (NBD_INFO_DESCRIPTION, export.description)):
            if kind in kinds and text:
                self._reply(option, NBD_REP_INFO, struct.pack(">H", kind) + truncate(text, STRING_BYTES_MAX))
        self._reply(option, NBD_REP_ACK)
        if option == NBD_OPT_GO:
            self._choose(export)


def _information_requests(data: bytes) -> tuple[bytes, tuple[int, ...]] | str:
    """Return the name and the kinds of information asked for, or what is wrong with the data."""
    if len(data) < 6:
        return f"{len(data)} bytes are too few"
    (name_bytes,) = struct.unpack_from(">I", data)
    if name_bytes > len(data) - 6:
        return f"a name of {name_bytes} bytes does not fit the option's {len(data)}"
    name = data[4 : 4 + name_bytes]
    (count,) = struct.unpack_from(">H", data, 4 + name_bytes)
    if len(data) != 6 + name_bytes + 2 * count:
        return f"{count} information requests do not fit the option's {len(data)} bytes"
    return name, struct.unpack_from(f">{count}H", data, 6 + name_bytes)
