"""From the suite's neutral configuration to the reference's own file. Translated, not judged."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.adapters.lines import REFUSED, Answer

Document = dict[str, Any]
# What the reference's configuration cannot say at all.
INEXPRESSIBLE = "E_INEXPRESSIBLE"


@dataclass(frozen=True)
class Places:
    """Where the things lie that a neutral configuration only names."""

    disks: Mapping[tuple[str, int], str] | None = None  # (server, number) -> path; None: made-up paths
    scripts: str = "/etc/twinset/scripts"
    timing: Mapping[str, float] | None = None

    def disk(self, server: str, number: int) -> str:
        """The path of a disk on a server."""
        if self.disks is None:
            return f"/dev/disk/by-id/disk{number}"
        try:
            return self.disks[server, number]
        except KeyError:
            raise Answer(REFUSED, f"{server} has no disk {number} in this lab", INEXPRESSIBLE) from None

    def script(self, group: str, index: int, kind: str) -> str:
        """The path of a group's script, the same on both servers."""
        return f"{self.scripts}/{group}-{index}-{kind}"


def document(config: Document, places: Places) -> Document:
    """The reference's configuration as a parsed document."""
    found: Document = {
        "format": 1,
        "cluster": dict(config.get("cluster", {})),
        "server": [_server(server) for server in config.get("servers", [])],
        "lan": [_lan(n, network) for n, network in enumerate(config.get("networks", []))],
        "mirror_set": [_mirror_set(mirror_set, places) for mirror_set in config.get("mirror_sets", [])],
        "group": [_group(group, places) for group in config.get("groups", [])],
        "account": [dict(account) for account in config.get("accounts", [])],
        "event_rule": [dict(rule) for rule in config.get("event_rules", [])],
    }
    if "name_service" in config:
        found["name_service"] = dict(config["name_service"])
    if places.timing:
        found["timing"] = dict(places.timing)
    return {key: value for key, value in found.items() if value != []}


def _server(server: Document) -> Document:
    found = {key: value for key, value in server.items() if key != "addresses"}
    if server.get("addresses"):
        found["fixed_addresses"] = list(server["addresses"])
    return found


def _lan(number: int, network: Document) -> Document:
    # A network is named by its operator; what the kernel calls the interface is another matter.
    interface = network.get("interface", f"eth{number}")
    ends = [
        {"server": server, "interface": interface, "address": address}
        for server, address in network["addresses"].items()
    ]
    return {"name": network["name"], "roles": list(network["roles"]), "endpoints": ends}


def _mirror_set(mirror_set: Document, places: Places) -> Document:
    found = {key: value for key, value in mirror_set.items() if key not in {"disks", "partitions"}}
    found["disks"] = [
        {"server": server, "path": places.disk(server, disk["disk"])}
        for server, disk in mirror_set["disks"].items()
    ]
    found["partitions"] = [_partition(partition) for partition in mirror_set["partitions"]]
    return found


def _partition(partition: Document) -> Document:
    if "letters" not in partition:
        return dict(partition)
    letters = list(dict.fromkeys(letter.upper() for letter in partition["letters"].values()))
    if len(letters) != 1:
        message = "one letter labels a partition on both servers; the configuration has no second one"
        raise Answer(REFUSED, message, INEXPRESSIBLE)
    return {"number": partition["number"], "letter": letters[0]}


def _group(group: Document, places: Places) -> Document:
    found = {key: value for key, value in group.items() if key not in {"resources", "monitors"}}
    if "monitors" in group:
        found["monitor"] = {"types": list(group["monitors"])}
    disks: dict[str, list[Document]] = {}
    for index, resource in enumerate(group.get("resources", [])):
        kind = resource["kind"]
        fields = {key: value for key, value in resource.items() if key != "kind"}
        if kind == "mirror_disk":
            mount = {"letter": fields["letter"], "path": mount_point(fields["letter"])}
            mount["filesystem"] = fields["filesystem"]
            disks.setdefault(fields["set"], []).append(mount)
        elif kind == "script":
            paths = {part: places.script(group["name"], index, part) for part in ("start", "stop")}
            found.setdefault("script", []).append(paths)
        elif kind == "printer":
            spool = f"{mount_point(fields.pop('letter'))}/spool"
            found.setdefault("printer", []).append({"spool": spool, "queues": [fields]})
        else:
            found.setdefault(kind, []).append(fields)
    if disks:
        found["mirror_disk"] = [{"set": name, "mounts": mounts} for name, mounts in disks.items()]
    return found


def mount_point(letter: str) -> str:
    """Where a data partition is mounted while its group is active."""
    return f"/mnt/db{letter.upper()}"


def scripts(config: Document, places: Places) -> dict[str, str]:
    """The texts of all scripts by the path where they have to lie, on both servers."""
    return {
        places.script(group["name"], index, part): resource[part]
        for group in config.get("groups", [])
        for index, resource in enumerate(group.get("resources", []))
        if resource["kind"] == "script"
        for part in ("start", "stop")
    }


def toml(found: Document) -> str:
    """The document as the text of a file; a table per heading, inner tables inline."""
    lines: list[str] = []
    for key, value in found.items():
        if isinstance(value, dict):
            lines += ["", f"[{key}]", *(f"{name} = {_inline(item)}" for name, item in value.items())]
        elif isinstance(value, list):
            for entry in value:
                lines += ["", f"[[{key}]]"]
                lines += [f"{name} = {_inline(item)}" for name, item in entry.items()]
        else:
            lines.append(f"{key} = {_inline(value)}")
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return str(value)
