"""Scripts that need no writing: a start and a stop script for what many groups run. Pure (7.4-05, 7.4-06)."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from twinset.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

CLAUSE: Final = "7.4-06"
_SHARE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}\$?")
_PATH: Final = re.compile(r"/[A-Za-z0-9_./ -]*")  # what a shell and smb.conf take as it is
_FOLDERS: Final = ("lock", "state", "cache", "pid", "private", "ncalrpc")


class Scripts(NamedTuple):
    """The texts of both."""

    start: str
    stop: str


def file_sharing(share: str, path: str, address: str) -> Scripts:
    """Return the scripts of a group that shares a folder by Samba, at its floating IP address.

    Guests may read and write, as the rights of the folder allow: the texts are a beginning, and the operator's own.
    """
    _check(share, path, address)
    folder = f"/run/twinset/share-{share.rstrip('$')}"
    lines = [
        "[global]", "map to guest = bad user", "load printers = no", "disable netbios = yes",
        f"interfaces = {address}", "bind interfaces only = yes",
        *(f"{kind} directory = {folder}" for kind in _FOLDERS),
        f"[{share}]", f"path = {path}", "read only = no", "guest ok = yes",
    ]  # fmt: skip
    text = "\n".join(lines)
    start = f"""#!/bin/sh
# Shares {path} as {share} at {address}.
[ "$ARMS_EVENT" != RECOVER ] || exit 0
[ "$ARMS_DISK" != FAILURE ] || exit 0
mkdir -p {folder} /run/samba
cat > {folder}/smb.conf <<'END'
{text}
END
exec smbd --daemon -s {folder}/smb.conf -l {folder} > /dev/null 2>&1 < /dev/null
"""
    stop = f"""#!/bin/sh
# Ends what shares {share}, and its connections.
pid=$(cat {folder}/smbd.pid 2> /dev/null) || exit 0
kill "$pid" 2> /dev/null || exit 0
while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
"""
    return Scripts(start, stop)


# The kinds that are here without a further option; every other one of the guide's needs its own.
STANDARD: Final[dict[str, Callable[[str, str, str], Scripts]]] = {"file-sharing": file_sharing}


def made(kind: str, share: str, path: str, address: str) -> Scripts:
    """Return the scripts of a kind; Refusal for those that need an option."""
    if kind not in STANDARD:
        known = ", ".join(STANDARD)
        raise Refusal("E_UNSUPPORTED", f"scripts for {kind}: there are {known}", CLAUSE, "write them by hand")
    return STANDARD[kind](share, path, address)


def _check(share: str, path: str, address: str) -> None:
    if not _SHARE.fullmatch(share):
        raise Refusal("E_CHARSET", f"a share named {share!r}: letters, digits and _ . - only", CLAUSE)
    if not _PATH.fullmatch(path):
        raise Refusal(
            "E_CHARSET", f"{path!r} is no absolute path of letters, digits, blanks and _ . - /", CLAUSE
        )
    try:
        ipaddress.IPv4Address(address)
    except ValueError:
        raise Refusal("E_SUBNET", f"{address!r} is no IPv4 address", CLAUSE) from None
