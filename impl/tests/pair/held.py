"""Frames of the exchange about a configuration, held back in the network of the server that sends them.

The daemons go on and heartbeats pass; the kernel counts what it holds, and TCP sends it again once it is let go. So a
change stands at one step for certain, without a word about it in the product.
"""

import json
from dataclasses import dataclass

from harness.labs.running import SOON_S
from harness.labs.server import Server
from harness.wait import wait_for
from twinset.wire.control import MAC_HEX_DIGITS

TCP_HEADER_BYTES = 32  # with time stamps, as both kernels send it
START_BITS = (TCP_HEADER_BYTES + MAC_HEX_DIGITS + 1) * 8
TABLE = """table inet {table} {{
    chain out {{
        type filter hook output priority 0;
        meta l4proto tcp @th,{at},{bits} 0x{start} counter drop
    }}
}}
"""


@dataclass(frozen=True)
class Held:
    """The frames of one kind that a server sends."""

    server: Server
    kind: str

    @property
    def _table(self) -> str:
        return f"held_{self.kind}"

    def begin(self) -> "Held":
        """Hold them from now on."""
        start = f'{{"t":"{self.kind}"'.encode()
        table = TABLE.format(table=self._table, at=START_BITS, bits=len(start) * 8, start=start.hex())
        self.server.run(["nft", "-f", "-"], input_text=table)
        return self

    def await_one(self) -> None:
        """Return once one is held."""
        wait_for(
            lambda: self._count() > 0, SOON_S, f"{self.server.name} to send its {self.kind!r}", poll_s=0.02
        )

    def let_go(self) -> None:
        """Hold no more; a server that has lost its power holds nothing."""
        if self.server.powered:
            self.server.run(["nft", "delete", "table", "inet", self._table], check=False)

    def _count(self) -> int:
        listed = self.server.run(["nft", "-j", "list", "table", "inet", self._table]).stdout
        rules = [entry["rule"]["expr"] for entry in json.loads(listed)["nftables"] if "rule" in entry]
        return sum(part["counter"]["packets"] for rule in rules for part in rule if "counter" in part)
