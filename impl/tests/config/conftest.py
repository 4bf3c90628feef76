"""A configuration that is in order, and the changes that tests make to it."""

import copy
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import pytest

from twinset.config import Finding, check_document

Document = dict[str, Any]
Changes = Mapping[str, Any]

GOOD: Document = {
    "format": 1,
    "cluster": {"name": "demo", "preferred_survivor": "server1"},
    "server": [{"name": "server1"}, {"name": "server2"}],
    "lan": [
        {
            "name": "public",
            "roles": ["public", "interconnect"],
            "endpoints": [
                {"server": "server1", "interface": "eth0", "address": "10.0.1.1/24"},
                {"server": "server2", "interface": "eth0", "address": "10.0.1.2/24"},
            ],
        },
        {
            "name": "ic1",
            "roles": ["interconnect", "mirror"],
            "endpoints": [
                {"server": "server1", "interface": "eth1", "address": "10.10.10.1/24"},
                {"server": "server2", "interface": "eth1", "address": "10.10.10.2/24"},
            ],
        },
    ],
    "mirror_set": [
        {
            "name": "set1",
            "disks": [{"server": "server1", "path": "/dev/sdb"}, {"server": "server2", "path": "/dev/sdb"}],
            "partitions": [{"number": 2, "letter": "E"}],
        }
    ],
    "group": [
        {
            "name": "db",
            "policy": ["server1", "server2"],
            "mirror_disk": [{"set": "set1", "mounts": [{"letter": "E", "path": "/mnt/db"}]}],
            "floating_ip": [{"address": "10.0.1.100"}],
            "virtual_computer_name": [{"name": "DBSERVER"}],
            "registry_key": [{"key": "HKLM\\SOFTWARE\\Acme"}],
            "script": [{"start": "/etc/twinset/scripts/start", "stop": "/etc/twinset/scripts/stop"}],
        }
    ],
    "account": [{"name": "operator"}],
}


def good_with(changes: Changes) -> Document:
    """Return the good configuration with values put at paths; ``[+]`` appends, None takes a key out."""
    document = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *inner, last = re.findall(r"[a-z_]+|\[(?:\d+|\+)\]", path)
        parent: Any = document
        for step, following in pairwise([*inner, last]):
            if step.startswith("["):
                parent = parent[int(step[1:-1])]
            else:
                parent = parent.setdefault(step, [] if following.startswith("[") else {})
        if last == "[+]":
            parent.append(copy.deepcopy(value))
        elif last.startswith("["):
            parent[int(last[1:-1])] = copy.deepcopy(value)
        elif value is None:
            del parent[last]
        else:
            parent[last] = copy.deepcopy(value)
    return document


@pytest.fixture()
def build() -> Callable[[Changes], Document]:
    """Return the builder of changed configurations."""
    return good_with


@pytest.fixture()
def judge() -> Callable[[Changes], list[Finding]]:
    """Return the judge of changed configurations."""
    return lambda changes: check_document(good_with(changes))
