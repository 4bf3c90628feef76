"""The toy port's checker of configurations: a table of rules, each a function from a CONFIG to findings."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Any

Config = dict[str, Any]
Finding = dict[str, str]
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{word}{n}" for word in ("COM", "LPT") for n in range(1, 10))}
WORD = re.compile(r"[A-Za-z0-9_-]*")
# What this port can put into a group when it runs one; its checker knows names all the same.
RUNS = {"mirror_disk", "floating_ip", "script"}


def finding(code: str, path: str, message: str) -> Finding:
    severity = "error" if code.startswith("E_") else "warning"
    return {"severity": severity, "code": code, "path": path, "message": message}


def resources(config: Config, kind: str) -> list[Config]:
    return [r for group in config.get("groups", []) for r in group.get("resources", []) if r["kind"] == kind]


def name_rule(path: str, name: str, most: int) -> Iterator[Finding]:
    size = len(name.encode())
    if not 1 <= size <= most:
        yield finding("E_LENGTH", path, f"{size} bytes, 1 to {most} are allowed")
    if not WORD.fullmatch(name):
        yield finding("E_CHARSET", path, f"{name!r}: letters, digits, - and _ only")


def unique_rule(path: str, names: Iterable[str]) -> Iterator[Finding]:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            yield finding("E_DUP", path, f"{name} is there already")
        seen.add(name.lower())


def cluster(config: Config) -> Iterator[Finding]:
    yield from name_rule("cluster.name", config.get("cluster", {}).get("name", ""), 15)


def servers(config: Config) -> Iterator[Finding]:
    found = config.get("servers", [])
    if len(found) != 2:
        yield finding("E_TOPOLOGY", "servers", f"{len(found)} servers, 2 are needed")
    for server in found:
        yield from name_rule("servers.name", server["name"], 15)
    yield from unique_rule("servers.name", (server["name"] for server in found))


def sets(config: Config) -> Iterator[Finding]:
    found = config.get("mirror_sets", [])
    if len(found) > 8:
        yield finding("E_LIMIT", "mirror_sets", f"{len(found)} sets, at most 8 are allowed")
    names = {server["name"] for server in config.get("servers", [])}
    for each in found:
        if set(each["disks"]) != names:
            yield finding("E_TOPOLOGY", "mirror_sets.disks", f"{each['name']} needs a disk on each server")
        if not each["partitions"]:
            yield finding("E_PARTITION", "mirror_sets.partitions", "no data partition")


def letters(config: Config) -> Iterator[Finding]:
    reserved = {"A", "B", *(server.get("system_letter", "C") for server in config.get("servers", []))}
    given = []
    for partition in (part for each in config.get("mirror_sets", []) for part in each["partitions"]):
        found = {
            letter.upper() for letter in partition.get("letters", {"": partition.get("letter", "")}).values()
        }
        if partition["number"] == 1:
            yield finding("E_RESERVED", "partitions.number", "partition 1 is the CLUSTER partition")
        if len(found) > 1:
            yield finding("E_PARTITION", "partitions.letters", f"{sorted(found)}: one letter on both servers")
        letter = min(found)
        given.append(letter)
        if not re.fullmatch("[A-Z]", letter):
            yield finding("E_CHARSET", "partitions.letter", f"{letter!r} is no letter")
        elif letter in reserved:
            yield finding("E_RESERVED", "partitions.letter", f"{letter} is reserved")
    if len(given) > 23:
        yield finding("E_LIMIT", "partitions", f"{len(given)} partitions, at most 23 are allowed")
    yield from unique_rule("partitions.letter", given)


def groups(config: Config) -> Iterator[Finding]:
    found = config.get("groups", [])
    if len(found) > 64:
        yield finding("E_LIMIT", "groups", f"{len(found)} groups, at most 64 are allowed")
    yield from unique_rule("groups.name", (group["name"] for group in found))
    known = {server["name"] for server in config.get("servers", [])}
    for group in found:
        yield from name_rule("groups.name", group["name"], 15)
        if group["name"].upper() in DEVICES:
            yield finding("W_RESERVED", "groups.name", f"{group['name']} is a device: it will not start")
        yield from attributes(group)
        yield from unique_rule("groups.policy", group["policy"])
        if not group["policy"]:
            yield finding("E_RANGE", "groups.policy", "no server")
        for server in group["policy"]:
            if server.lower() not in {name.lower() for name in known}:
                yield finding("E_NOTFOUND", "groups.policy", f"no server {server}")


def attributes(group: Config) -> Iterator[Finding]:
    for key, allowed in (("startup", ("automatic", "manual")), ("failover", ("normal", "exclusive"))):
        if group.get(key, allowed[0]) not in allowed:
            yield finding("E_RANGE", f"groups.{key}", f"{group[key]!r} is none of {allowed}")
    if not isinstance(group.get("failback", False), bool):
        yield finding("E_RANGE", "groups.failback", f"{group['failback']!r} is neither true nor false")
    if group.get("failover") == "exclusive":
        yield finding("W_EXCLUSIVE", "groups.failover", "with two servers it mostly does not fail over")


def disks(config: Config) -> Iterator[Finding]:
    known = {each["name"] for each in config.get("mirror_sets", [])}
    for disk in resources(config, "mirror_disk"):
        if disk["set"] not in known:
            yield finding("E_NOTFOUND", "groups.mirror_disk", f"no mirror set {disk['set']}")
        if disk["filesystem"] not in {"ext4", "ntfs"}:
            yield finding("E_FS", "groups.mirror_disk", f"{disk['filesystem']}: ext4 or ntfs")


def addresses(config: Config) -> Iterator[Finding]:
    found = [each["address"] for each in resources(config, "floating_ip")]
    if len(found) > 64:
        yield finding("E_LIMIT", "floating_ip", f"{len(found)} addresses, at most 64 are allowed")
    yield from unique_rule("floating_ip", found)
    public = [net for net in config.get("networks", []) if "public" in net["roles"]]
    try:
        homes = [ipaddress.ip_interface(text) for net in public for text in net["addresses"].values()]
    except ValueError as wrong:
        yield finding("E_SUBNET", "networks.addresses", str(wrong))
        return
    for text in found:
        try:
            address = ipaddress.ip_address(text)
        except ValueError as wrong:
            yield finding("E_SUBNET", "floating_ip", str(wrong))
            continue
        inside = [home.network for home in homes if address in home.network]
        if not inside or address in {inside[0].network_address, inside[0].broadcast_address}:
            yield finding("E_SUBNET", "floating_ip", f"{text} is no host address of a public LAN")
        if address in {home.ip for home in homes}:
            yield finding("E_DUP", "floating_ip", f"{text} is that of a server")


RULES = (cluster, servers, sets, letters, groups, disks, addresses)


def check(config: Config) -> list[Finding]:
    return [each for rule in RULES for each in rule(config)]
