"""The client's eyes: asks addresses, names and services all the time, and says when each answers again after silence.

Run on the client host: ``python -m harness.switching.observer SPEC`` with SPEC as JSON (see ``Spec``); ends at the
end of its input. Each line of its output is ``{"key": ..., "at": seconds since boot}``; keys are addresses (ICMP
echo), names (NetBIOS name query by broadcast, RFC 1002 4.2.12) and ``address:port`` (any answer by UDP). What others
say on the LAN is told too: ``probe ADDRESS`` and ``announce ADDRESS`` (RFC 5227), ``claim NAME`` (RFC 1002 4.2.2).
"""

import json
import os
import selectors
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.wait import now_s

SILENCE_S = 0.4  # shorter gaps are jitter
ECHO, ECHO_REPLY = 8, 0
IP_HEADER_BYTES_MIN = 20
NAME_SERVICE_PORT = 137
QUERY_BY_BROADCAST = 0x0110  # recursion desired, broadcast
NB, IN = 0x0020, 0x0001
ETH_P_ALL, ETHER_BYTES, TYPE_IP, TYPE_ARP = 3, 14, b"\x08\x00", b"\x08\x06"
ARP_FRAME_BYTES_MIN, PROBING = 42, bytes(4)
UDP, UDP_HEADER_BYTES = 17, 8
REGISTRATION, FILE_SERVER = 5, 0x20
CLAIM_BYTES_MIN = 46  # header, length, 32 letters, end


@dataclass(frozen=True)
class Spec:
    """What to ask, how often, and where the names are asked."""

    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    services: tuple[tuple[str, int], ...] = ()
    broadcast: str = "10.0.1.255"
    interval_s: float = 0.02

    def as_json(self) -> str:
        """The argument of the program."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Spec":
        """Read it back."""
        body = json.loads(text)
        return cls(
            tuple(body["addresses"]),
            tuple(body["names"]),
            tuple((address, port) for address, port in body["services"]),
            body["broadcast"],
            body["interval_s"],
        )


@dataclass
class Ears:
    """When each was heard last; a first word, and one after a silence, is told."""

    tell: Callable[[str, float], None]
    heard_s: dict[str, float] = field(default_factory=dict)

    def hear(self, key: str, at_s: float) -> None:
        """Somebody answered."""
        before = self.heard_s.get(key)
        self.heard_s[key] = at_s
        if before is None or at_s - before > SILENCE_S:
            self.tell(key, at_s)


def echo_request(number: int) -> bytes:
    """ICMP echo (RFC 792) with its checksum."""
    body = struct.pack("!BBHHH", ECHO, 0, 0, os.getpid() & 0xFFFF, number & 0xFFFF)
    total = sum(struct.unpack("!4H", body))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBHHH", ECHO, 0, ~total & 0xFFFF, os.getpid() & 0xFFFF, number & 0xFFFF)


def name_query(number: int, name: str) -> bytes:
    """A name query request for the file server's name (suffix 0x20)."""
    padded = name.upper().encode().ljust(15) + b"\x20"
    encoded = bytes(0x41 + half for byte in padded for half in (byte >> 4, byte & 15))
    head = struct.pack("!HHHHHH", number, QUERY_BY_BROADCAST, 1, 0, 0, 0)
    return head + bytes([len(encoded)]) + encoded + b"\0" + struct.pack("!HH", NB, IN)


def wanted_by(frame: bytes) -> str:
    """What somebody wants or says to have, as a key; "" for frames about anything else."""
    kind = frame[12:ETHER_BYTES]
    if kind == TYPE_ARP and len(frame) >= ARP_FRAME_BYTES_MIN:
        sender, target = frame[28:32], frame[38:42]
        word = "probe" if sender == PROBING else "announce" if sender == target else ""
        return f"{word} {socket.inet_ntoa(target)}" if word else ""
    if kind == TYPE_IP and frame[23:24] == bytes([UDP]):
        head = ETHER_BYTES + (frame[ETHER_BYTES] & 15) * 4
        to, said = frame[head + 2 : head + 4], frame[head + UDP_HEADER_BYTES :]
        if to == NAME_SERVICE_PORT.to_bytes(2, "big") and len(said) >= CLAIM_BYTES_MIN:
            letters = [letter - 0x41 for letter in said[13:45]]
            name = bytes(
                (high << 4 | low) & 0xFF for high, low in zip(letters[::2], letters[1::2], strict=True)
            )
            if said[2] >> 3 == REGISTRATION and name[15] == FILE_SERVER:  # a request: its first bit is clear
                return f"claim {name[:15].decode('ascii', 'replace').rstrip()}"
    return ""


class Observer:
    """Four sockets and what they hear."""

    def __init__(self, spec: Spec, ears: Ears) -> None:
        self._spec = spec
        self._ears = ears
        self._number = 0
        self._icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._nbns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._nbns.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sockets = (self._icmp, self._udp, self._nbns, self._wire)
        for each in self.sockets:
            each.setblocking(False)

    def ask(self) -> None:
        """Ask everybody once."""
        self._number += 1
        echo = echo_request(self._number)
        for address in self._spec.addresses:
            self._send(self._icmp, echo, (address, 0))
        for service in self._spec.services:
            self._send(self._udp, b"?", service)
        for index, name in enumerate(self._spec.names, 1):
            self._send(self._nbns, name_query(index, name), (self._spec.broadcast, NAME_SERVICE_PORT))

    def listen(self, ready: Iterable[socket.socket]) -> None:
        """Take what has arrived."""
        for each in ready:
            while True:
                try:
                    data, sender = each.recvfrom(2048)
                except OSError:  # nothing more, or an ICMP error of an earlier send
                    break
                key = self._key(each, data, sender)
                if key:
                    self._ears.hear(key, now_s())

    def _key(self, source: socket.socket, data: bytes, sender: tuple[Any, ...]) -> str:
        if source is self._wire:
            return wanted_by(data) if sender[2] != socket.PACKET_OUTGOING else ""
        if source is self._udp:
            return f"{sender[0]}:{sender[1]}"
        if source is self._nbns:
            index = struct.unpack_from("!H", data)[0] if len(data) >= 12 else 0
            return self._spec.names[index - 1] if 1 <= index <= len(self._spec.names) else ""
        head = (data[0] & 15) * 4 if data else IP_HEADER_BYTES_MIN
        return sender[0] if data[head : head + 1] == bytes([ECHO_REPLY]) else ""

    @staticmethod
    def _send(through: socket.socket, data: bytes, to: tuple[str, int]) -> None:
        try:
            through.sendto(data, to)
        except OSError:  # no route or no neighbour at this moment: silence, as the client sees it
            return


def main() -> None:
    """``SPEC`` until the end of the input."""
    spec = Spec.from_json(sys.argv[1])

    def tell(key: str, at_s: float) -> None:
        sys.stdout.write(json.dumps({"key": key, "at": at_s}) + "\n")
        sys.stdout.flush()

    observer = Observer(spec, Ears(tell))
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    for each in observer.sockets:
        selector.register(each, selectors.EVENT_READ)
    next_s = now_s()
    while True:
        now = now_s()
        if now >= next_s:
            observer.ask()
            next_s = max(next_s + spec.interval_s, now)
        ready = [key.fileobj for key, _ in selector.select(max(0.0, next_s - now_s()))]
        if sys.stdin in ready and not os.read(sys.stdin.fileno(), 1):
            return
        observer.listen(each for each in ready if isinstance(each, socket.socket))


if __name__ == "__main__":
    main()
