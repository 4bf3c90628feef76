"""Where a virtual computer name is served, and which address it stands for (7.3): pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinset.config.cluster import same_name
from twinset.errors import StepFailed
from twinset.wire import nbns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twinset.config.cluster import ClusterConfig, Endpoint, Group


@dataclass(frozen=True)
class Attachment:
    """A LAN on which the name is claimed and answered for."""

    interface: str
    local: str  # this server's own address there
    address: str  # what the name stands for there: the floating IP address, or `local`
    broadcast: str


@dataclass(frozen=True)
class Place:
    """All that is needed to serve a name. Registration with name servers goes by the first LAN (7.3.6-09)."""

    name: str
    attachments: tuple[Attachment, ...]
    wins_servers: tuple[str, ...] = ()
    former: str = ""  # the address under which the other server registers the name, "" when it is the same

    @property
    def netbios_names(self) -> tuple[nbns.Name, ...]:
        """The NetBIOS names of a computer that serves files."""
        return tuple(nbns.Name.of(self.name, suffix) for suffix in (nbns.WORKSTATION, nbns.SERVER))

    @property
    def node_type(self) -> int:
        """The kind of node in the flags of the address."""
        return nbns.H_NODE if self.wins_servers else nbns.B_NODE


def place(config: ClusterConfig, me: str, group: Group, index: int) -> Place:
    """Choose address and LANs: the floating IP address when associated, else this server's own ones."""
    name = group.virtual_computer_names[index].name
    attachments = tuple(_attachments(config, me, group.associated_address))
    if not attachments:
        why = group.associated_address or "name_service_interfaces of this server is 0"
        raise StepFailed(f"no public LAN of {me} serves {name}: {why} [2.2.2.2-03]")
    former = "" if group.associated_address else _address_of_peer(config, me, attachments[0])
    return Place(name, attachments, config.name_service.wins_servers, former)


def _attachments(config: ClusterConfig, me: str, associated: str) -> Iterator[Attachment]:
    ends = [end for lan in config.public_lans() for end in lan.endpoints if same_name(end.server, me)]
    if associated:
        wanted = ipaddress.ip_address(associated)
        for end in ends:
            if wanted in ipaddress.ip_interface(end.address).network:
                yield _attachment(end, associated)
                return
        return
    for end in ends[: config.server(me).name_service_interfaces]:
        yield _attachment(end, end.ip)


def _address_of_peer(config: ClusterConfig, me: str, attachment: Attachment) -> str:
    for lan in config.public_lans():
        if lan.endpoint(me).ip == attachment.local:
            return lan.endpoint(config.peer_of(me).name).ip
    return ""


def _attachment(end: Endpoint, address: str) -> Attachment:
    network = ipaddress.ip_interface(end.address).network
    return Attachment(end.interface, end.ip, address, str(network.broadcast_address))


@dataclass(frozen=True)
class Lmhosts:
    """What may stand in a client's LMHOSTS file, and which names may not, with the reason."""

    lines: tuple[str, ...]
    refused: tuple[str, ...]


def lmhosts(config: ClusterConfig) -> Lmhosts:
    """Pair each associated name with its address (7.3.1.3-10); the others move with their server (7.3.6-04)."""
    lines: list[str] = []
    refused: list[str] = []
    for group in config.groups:
        for item in group.virtual_computer_names:
            if group.associated_address:
                lines.append(f"{group.associated_address:<15} {item.name}")
            else:
                refused.append(
                    f"W_LMHOSTS {item.name} of group {group.name} is not associated with a floating IP address: "
                    "its address changes at failover, so it must not stand in an LMHOSTS file [7.3.2.2-02]"
                )
    return Lmhosts(tuple(lines), tuple(refused))
