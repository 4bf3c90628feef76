"""Which packets a cut link drops, as data. Pure; labs/switch.py applies it.

A *grudge* maps (LAN, host) to the directions that host is cut off in, seen from the host: "in" hears nothing,
"out" is heard by nobody. Both directions with ``carrier`` down is a pulled cable, without it a silent switch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.errors import LabError

DIRECTIONS = ("both", "in", "out", "silent")


@dataclass(frozen=True)
class Cut:
    """How one port is cut."""

    hears: bool = True
    is_heard: bool = True
    carrier: bool = True


CUTS: Mapping[str, Cut] = {
    "both": Cut(hears=False, is_heard=False, carrier=False),
    "silent": Cut(hears=False, is_heard=False),
    "in": Cut(hears=False),
    "out": Cut(is_heard=False),
}

Port = tuple[str, str]  # (LAN, host)


def cut_of(direction: str) -> Cut:
    """The cut that a direction names."""
    if direction not in CUTS:
        raise LabError(f"direction {direction!r}: one of {', '.join(DIRECTIONS)}")
    return CUTS[direction]


def rules(cuts: Mapping[Port, Cut], port_name: Mapping[Port, str]) -> str:
    """The nftables script for the switch: the whole table at once, so that no state in between exists."""
    lines = ["table bridge lab", "delete table bridge lab", "table bridge lab {", "  chain cuts {"]
    lines.append("    type filter hook forward priority 0; policy accept;")
    for port in sorted(cuts):
        if not cuts[port].is_heard:
            lines.append(f'    iifname "{port_name[port]}" drop')
        if not cuts[port].hears:
            lines.append(f'    oifname "{port_name[port]}" drop')
    return "\n".join([*lines, "  }", "}", ""])


def carrier_commands(
    cuts: Mapping[Port, Cut], port_name: Mapping[Port, str], plugged: Iterable[Port]
) -> list[str]:
    """``ip -batch`` lines that put every plugged port's link up or down."""
    return [
        f"link set {port_name[port]} {'up' if cuts.get(port, Cut()).carrier else 'down'}"
        for port in sorted(plugged)
    ]
