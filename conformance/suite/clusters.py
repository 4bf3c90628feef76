"""The cluster configurations of the pair tier. One mirrored disk each; groups without a disk are light."""

from collections.abc import Callable
from typing import Any

from conformance.suite import sample_texts
from conformance.suite.config import (
    SERVERS,
    Config,
    disk_resource,
    fip,
    group,
    mirror_set,
    printer,
    registry_key,
    script,
    vcn,
    vip,
)
from conformance.suite.observers import script_text

DISK_MIB = 64
KEYS_GROUP = "keys"  # of the configuration "registry"
KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Conf"
ROUTED_GROUP = "routed"  # of the configuration "routes"
VIRTUAL_IP = "10.200.0.5"
PRINT_GROUP, QUEUE, PRINTER_PORT = "printing", "office", 9100  # of the configuration "printing"
WATCHED_GROUP, UNWATCHED_GROUP = "watched", "unwatched"  # of the configuration "watched"
WATCHED_LOG, STALLED, WATCH_COMMAND = (
    "/run/conformance.log",
    "/run/conformance-stalled",
    "/run/conformance-watch",
)
CLIENTS_GROUP = "served"  # of the configuration "clients"
MEMORY_COUNT = 1024  # of requests under way, of the configuration "memory"
MEMORY_KIB = (64 * (MEMORY_COUNT + 64) + 1024) * 2  # what its mirror set needs, by the formula of 4.5.1-02
WITH_ACCOUNT = ("commands", "stall")
LINKED, LOOSE = "Conf-Link", "Conf-Loose"  # of "wins-own" and "wins-outside": associated, not associated
POLICY_A = SERVERS
POLICY_B = SERVERS[::-1]


def build(name: str, provisioned: Config) -> Config:
    """The named configuration, on the networks and addresses that the adapter provisioned."""
    return {
        "cluster": {"name": "conformance"},
        "servers": [{"name": server, "system_letter": "C"} for server in SERVERS],
        "networks": provisioned["networks"],
        # ARMLOAD runs programs as a registered account (9.2-03); it is one that the servers' system has.
        "accounts": [{"name": account_of(provisioned)}] if name in WITH_ACCOUNT else [],
        **(
            {"name_service": {"wins_servers": NAME_SERVERS[name](provisioned)}}
            if name in NAME_SERVERS
            else {}
        ),
        **_BUILDERS[name](list(provisioned["floating_ips"]), str(provisioned["scratch"])),
    }


def account_of(provisioned: Config) -> str:
    """An account of the servers' system that may do anything."""
    return str(provisioned.get("account", "root"))


def starting(config: Config) -> list[Config]:
    """The groups that start together with the cluster."""
    return [
        g for g in config["groups"] if g.get("startup", "automatic") == "automatic" and g["name"] != "PRN"
    ]


def _scripts(scratch: str) -> Config:
    return script(script_text("start", scratch), script_text("stop", scratch))


def _walk(**attributes: Any) -> Callable[[list[str], str], Config]:
    """Groups A and B of the walk-through of 6.2.5."""

    def built(fips: list[str], scratch: str) -> Config:
        return {
            "mirror_sets": [mirror_set(1, fastsync=True)],
            "groups": [
                group("A", disk_resource(), fip(fips[0]), _scripts(scratch), policy=POLICY_A, **attributes),
                group("B", fip(fips[1]), _scripts(scratch), policy=POLICY_B, **attributes),
            ],
        }

    return built


def _attributes(fips: list[str], scratch: str) -> Config:
    """Groups that differ in one attribute each; no disk, so that nothing but the attribute decides."""
    return {
        "mirror_sets": [],
        "groups": [
            group("auto", fip(fips[0]), _scripts(scratch), startup="automatic"),
            group("byhand", fip(fips[1]), _scripts(scratch), startup="manual"),
            group("PRN", _scripts(scratch), startup="manual"),
            group("PRNX", _scripts(scratch), startup="manual"),
            group("alone1", _scripts(scratch), startup="manual", failover="exclusive"),
            group("alone2", _scripts(scratch), policy=POLICY_B, startup="manual", failover="exclusive"),
        ],
    }


def _names(fips: list[str], scratch: str) -> Config:
    """Names with one address, with two, and two names with one: what is associated, and what is not."""
    del scratch
    return {
        "mirror_sets": [],
        "groups": [
            group("one", fip(fips[0]), vcn("Conf-One")),
            group("several", fip(fips[1]), fip(fips[2]), vcn("Conf-Several")),
            group("two", fip(fips[3]), vcn("Conf-A"), vcn("Conf-B")),
        ],
    }


def _far_names(fips: list[str], scratch: str) -> Config:
    """A name with an address and one without, for clients on another LAN; started by hand, after the name servers."""
    del scratch
    return {
        "mirror_sets": [],
        "groups": [
            group("linked", fip(fips[0]), vcn(LINKED), startup="manual"),
            group("loose", vcn(LOOSE), startup="manual"),
        ],
    }


def _with_more(scratch: str) -> Config:
    """Scripts that also run what the case has put beside them."""

    def text(part: str) -> str:
        hook = f"{scratch}/at-{part}"
        return script_text(part, scratch).replace("exit 0\n", f"[ ! -e {hook} ] || . {hook}\nexit 0\n")

    return script(text("start"), text("stop"))


def _memory(fips: list[str], scratch: str) -> Config:
    """One group on a mirrored disk that needs much memory."""
    del fips
    return {
        "mirror_sets": [mirror_set(1, max_io_count=MEMORY_COUNT)],
        "groups": [group("db", disk_resource(), _scripts(scratch))],
    }


def _copies(fastsync: bool) -> Callable[[list[str], str], Config]:
    """One group on one mirrored disk, for everything about copies."""

    def built(fips: list[str], scratch: str) -> Config:
        return {
            "mirror_sets": [mirror_set(1, fastsync=fastsync)],
            "groups": [group("db", disk_resource(), fip(fips[0]), _with_more(scratch))],
        }

    return built


def _commands(fips: list[str], scratch: str) -> Config:
    """Two light groups for the script commands; the scripts of one run what the case has put beside them."""
    return {
        "mirror_sets": [],
        "groups": [
            group("mover", fip(fips[0]), _scripts(scratch)),
            group("loader", _with_more(scratch), startup="manual"),
        ],
    }


def _samples(fips: list[str], scratch: str) -> Config:
    """Two groups with the sample start script of 4.5.2, one of them with a disk."""
    scripts = script(sample_texts.start_bat(scratch), script_text("stop", scratch))
    return {
        "mirror_sets": [mirror_set(1, fastsync=True)],
        "groups": [
            group(sample_texts.GROUP, disk_resource(), fip(fips[0]), scripts),
            group(sample_texts.BESIDE, scripts),
        ],
    }


def _stall(fips: list[str], scratch: str) -> Config:
    """A group for each server that stays there, with what the case has put beside its scripts (9.2)."""
    del fips
    return {
        "mirror_sets": [],
        "groups": [
            group(f"watch{server[-1]}", _with_more(scratch), policy=(server,), startup="manual")
            for server in SERVERS
        ],
    }


def _registry(fips: list[str], scratch: str) -> Config:
    """A group with a registry key, whose scripts run what the case has put beside them."""
    del fips
    return {"mirror_sets": [], "groups": [group(KEYS_GROUP, registry_key(KEY), _with_more(scratch))]}


def _routes(fips: list[str], scratch: str) -> Config:
    """A group with a virtual and a floating IP address."""
    del scratch
    addresses = (vip(VIRTUAL_IP), fip(fips[0]))
    return {"mirror_sets": [], "groups": [group(ROUTED_GROUP, *addresses, startup="manual")]}


def printer_address(provisioned: Config) -> str:
    """Where the printer of the configuration "printing" is: no host of the lab has this address of its own."""
    return str(provisioned["floating_ips"][-1])


def _printing(fips: list[str], scratch: str) -> Config:
    """A group with a printer; the spool lies on its mirrored disk."""
    del scratch
    disk = disk_resource()
    device = f"socket://{fips[-1]}:{PRINTER_PORT}"
    made = group(PRINT_GROUP, disk, fip(fips[0]), printer(QUEUE, device, disk["letter"]), startup="manual")
    return {"mirror_sets": [mirror_set(1, fastsync=True)], "groups": [made]}


def _clients(fips: list[str], scratch: str) -> Config:
    """A group with an address whose start script runs what the case has put beside it: its service."""
    return {
        "mirror_sets": [],
        "groups": [group(CLIENTS_GROUP, fip(fips[0]), _with_more(scratch), startup="manual")],
    }


def _watched(fips: list[str], scratch: str) -> Config:
    """A group with every type of monitoring, a watch and a rule about a log; one with every type deselected."""
    return {
        "mirror_sets": [],
        "groups": [
            group(
                WATCHED_GROUP,
                fip(fips[0]),
                script(_watch_start(scratch), script_text("stop", scratch)),
                watch=[{"command": WATCH_COMMAND, "interval_s": 5.0, "timeout_s": 5.0, "looks": 2}],
            ),
            group(UNWATCHED_GROUP, fip(fips[1]), _scripts(scratch), monitors=[]),
        ],
        "event_rules": [
            {"name": "fatal", "file": WATCHED_LOG, "match": "conformance FATAL", "group": WATCHED_GROUP}
        ],
    }


def _watch_start(scratch: str) -> str:
    """A start script that also puts the watch command in place: it hangs while the file STALLED is there."""
    made = (
        f"printf '#!/bin/sh\\n[ ! -e {STALLED} ] || sleep 600\\n' > {WATCH_COMMAND}; chmod +x {WATCH_COMMAND}"
    )
    return script_text("start", scratch).replace("exit 0\n", f"{made}\nexit 0\n")


# Where the name servers (WINS) are: on both servers, or on a host outside the cluster, which the client plays.
NAME_SERVERS: dict[str, Callable[[Config], list[str]]] = {
    "wins-own": lambda provisioned: [s["public_address"] for s in provisioned["servers"].values()],
    "wins-outside": lambda provisioned: [provisioned["client"]["address"]],
}
# What has to be provisioned beside two servers and a client.
BESIDE: dict[str, tuple[str, ...]] = {"neighbours": ("second_cluster",)}
# In the order in which the cases run: the walk-through last, as it is the longest.
_BUILDERS: dict[str, Callable[[list[str], str], Config]] = {
    "attributes": _attributes,
    "commands": _commands,
    "names": _names,
    "stall": _stall,
    "neighbours": lambda fips, _scratch: {"mirror_sets": [], "groups": [group("near", fip(fips[0]))]},
    "wins-outside": _far_names,
    "wins-own": _far_names,
    "registry": _registry,
    "routes": _routes,
    "watched": _watched,
    "clients": _clients,
    "shared": _clients,
    "memory": _memory,
    "samples": _samples,
    "printing": _printing,
    "copies": _copies(fastsync=True),
    "copies-full": _copies(fastsync=False),
    # Failback is left out here: the default is No (6.2.4-04), so the default is what the walk shows.
    "walk-no": _walk(),
    "walk-yes": _walk(failback=True),
}
