"""The LANs on which names are claimed or served: opened with the first use, closed with the last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinset.errors import StepFailed
from twinset.shell.nbns_port import PORT, LanPort
from twinset.wire import nbns
from twinset.wire.nbns_responder import Responder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from twinset.resources.virtual_computer_name.plan import Attachment


@dataclass
class Lan:
    """One LAN, and how many uses it has."""

    port: LanPort
    responder: Responder
    users: int = 0


class Lans:
    """All LANs in use, by the name of the interface."""

    def __init__(
        self,
        received: Callable[[str, bytes, tuple[str, int], str], None],
        trouble: Callable[[str, str], None],
        port: int = PORT,
    ) -> None:
        """`received` gets interface, packet, sender and the address it was sent to ("": a broadcast)."""
        self._received = received
        self._trouble = trouble
        self._port = port
        self._lans: dict[str, Lan] = {}

    def get(self, interface: str) -> Lan | None:
        """Return a LAN that is in use."""
        return self._lans.get(interface)

    def port(self, attachment: Attachment) -> LanPort:
        """Return the sockets of a LAN that is in use."""
        return self._lans[attachment.interface].port

    def responder(self, attachment: Attachment) -> Responder:
        """Return what is said on a LAN that is in use."""
        return self._lans[attachment.interface].responder

    def open(self, attachments: tuple[Attachment, ...], *, serve: bool) -> None:
        """Use LANs, all or none; with `serve` also answer from the addresses there. Undone by `close`."""
        done: list[Attachment] = []
        try:
            for attachment in attachments:
                self._open(attachment, serve=serve)
                done.append(attachment)
        except OSError as error:
            self.close(tuple(done), serve=serve)
            where = attachments[len(done)].interface
            raise StepFailed(
                f"port {self._port} on {where} cannot be used: {error.strerror or error}"
            ) from None

    def close(self, attachments: tuple[Attachment, ...], *, serve: bool) -> None:
        """Undo an `open` with the same arguments."""
        for attachment in attachments:
            lan = self._lans[attachment.interface]
            if serve:
                lan.port.remove(attachment.address)
            lan.users -= 1
            self._tidy(attachment.interface)

    def close_all(self) -> None:
        """Close every socket."""
        for lan in self._lans.values():
            lan.port.close()
        self._lans.clear()

    def __iter__(self) -> Iterator[str]:
        return iter(self._lans)

    def _open(self, attachment: Attachment, *, serve: bool) -> None:
        interface = attachment.interface
        if interface not in self._lans:
            port = LanPort(
                interface,
                attachment.local,
                attachment.broadcast,
                lambda data, sender, to: self._received(interface, data, sender, to),
                lambda text: self._trouble(interface, text),
                self._port,
            )
            self._lans[interface] = Lan(port, Responder(port.hardware_address))
        try:
            if serve:
                self._lans[interface].port.add(attachment.address)
        except OSError:
            self._tidy(interface)
            raise
        self._lans[interface].users += 1

    def _tidy(self, interface: str) -> None:
        if self._lans[interface].users <= 0:
            self._lans.pop(interface).port.close()


def source_of(answer: nbns.Message, to: str, otherwise: str) -> str:
    """Return the address that an answer comes from: where the request went, or what the answer says."""
    if to:
        return to
    owners = [record.owners() for record in answer.answers if record.kind == nbns.NB]
    return owners[0][0][1] if owners and owners[0] else otherwise
