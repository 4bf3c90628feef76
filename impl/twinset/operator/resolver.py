"""`twinset resolver`: which of its addresses a server's own name has first, for programs that expect one (5.2.2-21).

The guide wraps the resolver; here the system's own two files do it: the order of lines in /etc/hosts is that of
`gethostbyname`, the precedence in /etc/gai.conf that of `getaddrinfo`. Floating IP addresses are in neither: they are
their group's, not the server's.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from twinset.config import load
from twinset.errors import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from twinset.config.cluster import ClusterConfig

CLAUSE: Final = "5.2.2-21"
HIGHEST: Final = 200
# Those of RFC 3484, as gai.conf(5) has them: one line of the file replaces the whole table.
DEFAULTS: Final = (("::1/128", 50), ("::/0", 40), ("2002::/16", 30), ("::/96", 20), ("::ffff:0:0/96", 10))


def addresses(config: ClusterConfig, server: str, first: str) -> list[str]:
    """Return the addresses of a server in order: that of the LAN `first`, public LANs, the others, fixed ones."""
    if first and not any(lan.name == first for lan in config.lans):
        known = ", ".join(lan.name for lan in config.lans)
        raise Refusal("E_NOTFOUND", f"no LAN {first}; there are {known}", CLAUSE)
    lans = sorted(config.lans, key=lambda lan: (lan.name != first, "public" not in lan.roles))
    found = [lan.endpoint(server).ip for lan in lans]
    return [*found, *(text.partition("/")[0] for text in config.server(server).fixed_addresses)]


def files(config: ClusterConfig, server: str, first: str) -> dict[str, str]:
    """Return what belongs into each file of that server."""
    order = addresses(config, server, first)
    name = config.server(server).name
    table = [(f"::ffff:{address}/128", HIGHEST - place) for place, address in enumerate(order)]
    return {
        "/etc/hosts": "".join(f"{address} {name}\n" for address in order),
        "/etc/host.conf": "multi on\n",
        "/etc/gai.conf": "".join(f"precedence {prefix} {value}\n" for prefix, value in (*table, *DEFAULTS)),
    }


def run_resolver(file: Path, server: str, first: str) -> int:
    """Print them."""
    for path, text in files(load(file), server, first).items():
        sys.stdout.write(f"# {path}\n{text}\n")
    return 0
