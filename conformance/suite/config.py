"""Configurations in the neutral form of ADAPTER.md: a good one, and the changes that cases make to it."""

import copy
from typing import Any

Config = dict[str, Any]

SERVERS = ("server1", "server2")
# Every letter a switched partition may have while the system drive is C: 26 - A - B - C = 23.
LETTERS = tuple("DEFGHIJKLMNOPQRSTUVWXYZ")
PUBLIC = "10.0.1."
_GOOD: Config = {
    "cluster": {"name": "demo"},
    "servers": [{"name": "server1", "system_letter": "C"}, {"name": "server2", "system_letter": "C"}],
    "networks": [
        {
            "name": "public",
            "roles": ["public", "interconnect"],
            "addresses": {"server1": "10.0.1.1/24", "server2": "10.0.1.2/24"},
        },
        {
            "name": "ic1",
            "roles": ["interconnect", "mirror"],
            "addresses": {"server1": "10.10.10.1/24", "server2": "10.10.10.2/24"},
        },
        {
            "name": "ic2",
            "roles": ["interconnect"],
            "addresses": {"server1": "10.10.20.1/24", "server2": "10.10.20.2/24"},
        },
    ],
    "mirror_sets": [],
    "groups": [],
    "accounts": [],
}


def mirror_set(number: int, letters: dict[int, str] | None = None, **fields: Any) -> Config:
    """Mirror set `set<number>` on disk `number` of both servers; letters by partition number."""
    partitions = [{"number": n, "letter": letter} for n, letter in (letters or {2: LETTERS[number]}).items()]
    disks = {server: {"disk": number} for server in SERVERS}
    return {"name": f"set{number}", "disks": disks, "partitions": partitions, **fields}


def disk_resource(number: int = 1, letter: str | None = None, filesystem: str = "ext4") -> Config:
    """The switch-mirror disk of a group: one partition of a set."""
    return {
        "kind": "mirror_disk",
        "set": f"set{number}",
        "letter": LETTERS[number] if letter is None else letter,
        "filesystem": filesystem,
    }


def fip(address: str) -> Config:
    """A floating IP address."""
    return {"kind": "floating_ip", "address": address}


def vip(address: str) -> Config:
    """A virtual IP address."""
    return {"kind": "virtual_ip", "address": address}


def vcn(name: str, **more: str) -> Config:
    """A virtual computer name."""
    return {"kind": "virtual_computer_name", "name": name, **more}


def printer(queue: str, device: str, letter: str) -> Config:
    """A printer: a queue to a device, whose spool lies on that partition of the group."""
    return {"kind": "printer", "name": queue, "device": device, "letter": letter}


def registry_key(key: str) -> Config:
    """A registry key that follows its group."""
    return {"kind": "registry_key", "key": key}


def script(start: str = "exit 0", stop: str = "exit 0") -> Config:
    """Start and stop script, as text for a POSIX shell."""
    return {"kind": "script", "start": start, "stop": stop}


def group(name: str, *resources: Config, policy: tuple[str, ...] = SERVERS, **attributes: Any) -> Config:
    """A failover group; attributes left out have the port's defaults."""
    return {"name": name, "policy": list(policy), "resources": list(resources), **attributes}


def good() -> Config:
    """A small cluster that every port accepts: one mirrored disk, one group. A fresh copy each time."""
    config = copy.deepcopy(_GOOD)
    config["mirror_sets"] = [mirror_set(1)]
    config["groups"] = [group("db", disk_resource(), fip(PUBLIC + "100"))]
    return config


def with_groups(count: int) -> Config:
    """A good configuration with that many groups in all."""
    config = good()
    config["groups"] += [group(f"group{n}", script()) for n in range(2, count + 1)]
    return config


def with_group_named(name: str) -> Config:
    """A good configuration whose group has that name."""
    config = good()
    config["groups"][0]["name"] = name
    return config


def with_fips(*addresses: str) -> Config:
    """A good configuration whose group has exactly these floating IP addresses."""
    config = good()
    config["groups"][0]["resources"] = [disk_resource(), *(fip(address) for address in addresses)]
    return config


def with_vips(*addresses: str) -> Config:
    """A good configuration whose group has these virtual IP addresses too."""
    config = good()
    config["groups"][0]["resources"] += [vip(address) for address in addresses]
    return config


def with_vcns(*names: str, associated: bool = False) -> Config:
    """A good configuration with these virtual computer names, each in a group of its own."""
    config = good()
    if not associated:
        config["groups"] += [group(f"vcn{n}", vcn(name)) for n, name in enumerate(names)]
        return config
    # A name is associated with the floating IP addresses of its group when it is alone there (7.3.1.3).
    config["groups"] += [
        group(f"vcn{n}", vcn(name), fip(f"{PUBLIC}{150 + n}")) if n == 0 else group(f"vcn{n}", vcn(name))
        for n, name in enumerate(names)
    ]
    return config


def with_keys(*keys: str) -> Config:
    """A good configuration whose group has these registry keys."""
    config = good()
    config["groups"][0]["resources"] += [registry_key(key) for key in keys]
    return config


def with_mirror_sets(count: int) -> Config:
    """A good configuration with that many mirror sets, each with a group of its own."""
    config = good()
    for number in range(2, count + 1):
        config["mirror_sets"].append(mirror_set(number))
        config["groups"].append(group(f"disk{number}", disk_resource(number)))
    return config


def with_letters(*letters: str) -> Config:
    """A good configuration whose set has these letters on partitions 2, 3, ..., all in its group."""
    config = good()
    config["mirror_sets"] = [mirror_set(1, dict(enumerate(letters, start=2)))]
    config["groups"] = [group("db", *(disk_resource(1, letter) for letter in letters))]
    return config


def with_network(name: str = "extra", server1: str = "10.9.9.1/24", server2: str = "10.9.9.2/24") -> Config:
    """A good configuration with one more network, that of an interconnect."""
    config = good()
    addresses = {"server1": server1, "server2": server2}
    config["networks"].append({"name": name, "roles": ["interconnect"], "addresses": addresses})
    return config


def with_fixed_addresses(count: int) -> Config:
    """A good configuration in which server 1 has that many fixed addresses, each in a network of its own."""
    config = good()
    already = len(config["networks"])
    config["servers"][0]["addresses"] = [f"10.20.{n}.1/24" for n in range(count - already)]
    return config


def with_servers(count: int) -> Config:
    """A good configuration, but with that many servers."""
    config = good()
    config["servers"] = [{"name": f"server{n}", "system_letter": "C"} for n in range(1, count + 1)]
    names = [server["name"] for server in config["servers"]]
    for net, network in enumerate(config["networks"]):
        base = ("10.0.1.", "10.10.10.", "10.10.20.")[net]
        network["addresses"] = {name: f"{base}{n}/24" for n, name in enumerate(names, start=1)}
    config["mirror_sets"][0]["disks"] = {name: {"disk": 1} for name in names}
    config["groups"][0]["policy"] = names
    return config


def with_filesystem(filesystem: str) -> Config:
    """A good configuration whose switched partition carries that file system."""
    config = good()
    config["groups"][0]["resources"][0]["filesystem"] = filesystem
    return config


def with_partition_number(number: int) -> Config:
    """A good configuration whose switched partition has that number."""
    config = good()
    config["mirror_sets"][0]["partitions"][0]["number"] = number
    return config


def with_server_name(name: str) -> Config:
    """A good configuration whose first server has that name, wherever it is named."""
    config = good()
    config["servers"][0]["name"] = name
    for network in config["networks"]:
        network["addresses"] = {
            name: network["addresses"]["server1"],
            "server2": network["addresses"]["server2"],
        }
    config["mirror_sets"][0]["disks"] = {name: {"disk": 1}, "server2": {"disk": 1}}
    config["groups"][0]["policy"] = [name, "server2"]
    return config


def with_cluster_name(name: str) -> Config:
    """A good configuration of a cluster of that name."""
    config = good()
    config["cluster"]["name"] = name
    return config


def with_accounts(*names: str) -> Config:
    """A good configuration with these user accounts."""
    config = good()
    config["accounts"] = [{"name": name} for name in names]
    return config


def with_attribute(**attributes: Any) -> Config:
    """A good configuration whose group has these attributes."""
    config = good()
    config["groups"][0].update(attributes)
    return config


def without_disks(config: Config) -> Config:
    """The same configuration with nothing mirrored; its group keeps a script."""
    config["mirror_sets"] = []
    config["groups"][0]["resources"] = [script()]
    return config


def with_roles(*roles: tuple[str, ...]) -> Config:
    """A configuration without disks whose networks have these roles, in this order."""
    config = without_disks(good())
    config["networks"] = [
        {
            "name": f"net{n}",
            "roles": list(wanted),
            "addresses": {"server1": f"10.30.{n}.1/24", "server2": f"10.30.{n}.2/24"},
        }
        for n, wanted in enumerate(roles)
    ]
    return config


def with_mirror_roles(*roles: tuple[str, ...]) -> Config:
    """As `with_roles`, with a mirror set in a group."""
    config = with_roles(*roles)
    config["mirror_sets"] = [mirror_set(1)]
    config["groups"] = [group("db", disk_resource())]
    return config


def with_interconnects(count: int) -> Config:
    """A configuration with that many interconnects, one of them public."""
    return with_roles(("public", "interconnect"), *[("interconnect",)] * (count - 1))


def with_first_interconnect(base: str) -> Config:
    """A configuration of a public LAN and an interconnect whose addresses begin so."""
    config = with_roles(("public",), ("interconnect",))
    config["networks"][0]["addresses"] = {"server1": f"{PUBLIC}1/24", "server2": f"{PUBLIC}2/24"}
    config["networks"][1]["addresses"] = {"server1": f"{base}11/24", "server2": f"{base}12/24"}
    return config


def with_domains(server1: str, server2: str) -> Config:
    """A good configuration whose servers belong to these domains."""
    config = good()
    for server, domain in zip(config["servers"], (server1, server2), strict=True):
        server["domain"] = domain
    return config


def with_whole_group(name: str, **attributes: Any) -> Config:
    """A good configuration whose group has a resource of each kind, and every attribute."""
    config = good()
    key = registry_key("HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme")
    resources = (disk_resource(), fip(PUBLIC + "100"), vcn("DBSERVER"), key, script())
    set_all = {"startup": "automatic", "failover": "normal", "failback": True, **attributes}
    config["groups"] = [group(name, *resources, **set_all)]
    return config


def with_name_servers(*addresses: str) -> Config:
    """A good configuration with a virtual computer name and these name servers (WINS)."""
    config = with_vcns("NAMED")
    config["name_service"] = {"wins_servers": list(addresses)}
    return config
