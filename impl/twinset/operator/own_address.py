"""``twinset own-address ADDRESS COMMAND...``: the server's own name stands for that address (5.2.2-21).

For applications that take the first address of a host name for the only one. The name has no other address then: of
several, a resolver puts the one first that it thinks nearer (RFC 6724, rule 9). The command gets a hosts file of its
own, in a mount namespace of its own; mirror disks that are mounted or unmounted later are so there too.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from twinset.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

CLAUSE: Final = "5.2.2-21"
HOSTS: Final = Path("/etc/hosts")
# The file is gone once it is mounted: nothing is left behind, however the command ends.
MOUNT: Final = f'mount --bind "$1" {HOSTS} && rm "$1" && shift && exec "$@"'


def run_own_address(address: str, command: Sequence[str]) -> NoReturn:
    """Become the command; Refusal for what is no address."""
    name = socket.gethostname()
    text = alone(HOSTS.read_text(errors="replace") if HOSTS.exists() else "", name, checked(address))
    with tempfile.NamedTemporaryFile("w", prefix="twinset-hosts-", delete=False) as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o644)
    argv = ["unshare", "--mount", "--propagation", "slave", "sh", "-c", MOUNT, "sh", file.name, *command]
    os.execvp(argv[0], argv)  # noqa: S606 - the operator's own words


def checked(address: str) -> str:
    """Return the address; Refusal when it is none of a host."""
    try:
        found = ipaddress.IPv4Address(address)
    except ValueError:
        found = ipaddress.IPv4Address(0)
    if found.is_unspecified or found.is_multicast or found.is_loopback:
        raise Refusal("E_SUBNET", f"{address} is no IPv4 address of a host", CLAUSE)
    return str(found)


def alone(hosts: str, name: str, address: str) -> str:
    """Return a hosts file in which the name stands for the address and for no other one."""
    lines = [f"{address} {name}", *(_without(name, line) for line in hosts.splitlines())]
    return "\n".join(lines) + "\n"


def _without(name: str, line: str) -> str:
    """The line, less the name."""
    words = line.partition("#")[0].split()
    others = [word for word in words[1:] if word.casefold() != name.casefold()]
    if len(others) == len(words[1:]):
        return line
    return " ".join([words[0], *others]) if others else ""
