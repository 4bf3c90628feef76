"""What `ip -j address show` said: pure."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class InterfaceState:
    """What is known of an interface."""

    up: bool
    carrier: bool
    addresses: frozenset[str]


def interface(text: str) -> InterfaceState:
    """Return the state of the one interface that was asked for; ValueError when the answer is none."""
    body = json.loads(text)
    if not isinstance(body, list):
        raise ValueError("ip did not print a JSON list")  # noqa: TRY004 - what it printed, not a type of ours
    addresses: set[str] = set()
    flags: set[str] = set()
    for entry in body:
        if not isinstance(entry, dict):
            continue
        flags.update(flag for flag in entry.get("flags", ()) if isinstance(flag, str))
        for item in entry.get("addr_info", ()):
            if isinstance(item, dict) and item.get("family") == "inet" and isinstance(item.get("local"), str):
                addresses.add(item["local"])
    return InterfaceState("UP" in flags, "LOWER_UP" in flags, frozenset(addresses))
