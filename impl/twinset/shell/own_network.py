"""What the networks of this server say to a configuration before it is accepted: all is there, nothing is in use."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final

from twinset.errors import Refusal
from twinset.resources.floating_ip import plan
from twinset.shell import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinset.config.cluster import ClusterConfig, Lan

LOOK_S: Final = 10.0
PROBES: Final = 1
CLAUSE: Final = "2.3.2-02"


async def refuse_unfit(old: ClusterConfig | None, new: ClusterConfig, me: str) -> None:
    """Refuse LANs of which this server lacks the interface or the address, and floating IP addresses that a host has.

    What does not change is not looked at.
    """
    await _refuse_missing(old, new, me)
    if old is not None:
        await _refuse_used(fresh_addresses(old, new), new, me)


async def _refuse_used(wanted: list[str], new: ClusterConfig, me: str) -> None:
    """Ask the LAN who has the addresses; where that cannot be asked here, the start of the group asks again."""
    places = [plan.place(new, me, address) for address in wanted]
    outcomes = await asyncio.gather(
        *(run.run(plan.probe(where, PROBES), timeout_s=LOOK_S) for where in places)
    )
    used = [
        f"another host on {where.interface} answers for {where.address}"
        for where, outcome in zip(places, outcomes, strict=True)
        if outcome.code == 1
    ]
    if used:
        raise Refusal("E_DUP", f"{me}: {'; '.join(used)}", "7.2.2-03")


def fresh_addresses(old: ClusterConfig, new: ClusterConfig) -> list[str]:
    """Return the floating IP addresses that no group had before."""
    known = {item.address for group in old.groups for item in group.floating_ips}
    return [item.address for group in new.groups for item in group.floating_ips if item.address not in known]


async def _refuse_missing(old: ClusterConfig | None, new: ClusterConfig, me: str) -> None:
    known = () if old is None else old.lans
    fresh = [lan for lan in new.lans if lan not in known]
    if not fresh:
        return
    outcome = await run.run(["ip", "-j", "address", "show"], timeout_s=LOOK_S)
    if not outcome.ok:
        raise Refusal("E_TOPOLOGY", f"{me}: its networks cannot be looked at: {outcome.reason()}", CLAUSE)
    reasons = unfit(fresh, me, addresses(outcome.stdout))
    if reasons:
        raise Refusal("E_TOPOLOGY", f"{me}: {'; '.join(reasons)}", CLAUSE, "ip address show")


def unfit(lans: list[Lan], me: str, found: Mapping[str, set[str]]) -> list[str]:
    """Return what is missing, from the addresses with prefix length of each interface."""
    reasons = []
    for lan in lans:
        end = lan.endpoint(me)
        if end.interface not in found:
            reasons.append(f"LAN {lan.name}: there is no interface {end.interface}")
        elif end.address not in found[end.interface]:
            has = ", ".join(sorted(found[end.interface])) or "no address"
            reasons.append(f"LAN {lan.name}: interface {end.interface} has {has}, not {end.address}")
    return reasons


def addresses(said: str) -> dict[str, set[str]]:
    """Return the IPv4 addresses of each interface, from the words of `ip -j address show`; Refusal when it has none."""
    try:
        body = json.loads(said)
        return {
            str(entry["ifname"]): {
                f"{item['local']}/{item['prefixlen']}"
                for item in entry.get("addr_info", ())
                if item.get("family") == "inet"
            }
            for entry in body
            if entry
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal("E_TOPOLOGY", f"ip printed no list of interfaces: {error}", CLAUSE) from None
