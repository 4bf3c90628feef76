"""What the toy port says to the servers of an installation: speeds, services, accounts and name servers, no more."""

from collections.abc import Iterator
from typing import Any

from toy_checker import Config, Finding, finding  # type: ignore[import-not-found]

MBPS_MIN = 100
SNMP = "udp/161"


def speeds(config: Config, servers: dict[str, Any]) -> Iterator[Finding]:
    """Interconnects and mirror connects want fast adapters."""
    for network in config.get("networks", []):
        for name, facts in servers.items():
            speed = facts["interfaces"][network["name"]]["speed_mbps"]
            if {"interconnect", "mirror"} & set(network["roles"]) and speed is not None and speed < MBPS_MIN:
                yield finding("W_LINKSPEED", network["name"], f"{name} has {speed} Mbit/s there")


def accounts(config: Config, servers: dict[str, Any]) -> Iterator[Finding]:
    """An account is one that both systems have, and the same one."""
    for account in config.get("accounts", []):
        numbers = [facts["accounts"].get(account["name"]) for facts in servers.values()]
        if None in numbers:
            yield finding("E_DENIED", "accounts", f"{account['name']} is unknown to a system")
        elif len(set(numbers)) > 1:
            yield finding("W_ACCOUNT", "accounts", f"{account['name']} is not the same on both")


def services(_config: Config, servers: dict[str, Any]) -> Iterator[Finding]:
    """SNMP on both servers, and the same name servers."""
    for name, facts in servers.items():
        if SNMP not in facts["listening"]:
            yield finding("W_SNMP", "servers", f"{name} has no SNMP service")
    if len({tuple(facts["name_servers"]) for facts in servers.values()}) > 1:
        yield finding("W_WINS_DIFF", "servers", "their name servers differ")


def check(config: Config, servers: dict[str, Any]) -> list[Finding]:
    """All findings about the servers; what a configuration alone says is for toy_checker.py."""
    return [found for rule in (speeds, accounts, services) for found in rule(config, servers)]
