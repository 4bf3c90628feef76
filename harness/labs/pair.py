"""The pair under test: its configuration, and the steps from bare servers to a running cluster."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from harness.labs.api import ApiRefused
from harness.labs.asking import Asking
from harness.topology import FLOATING_IP, INTERCONNECT, MIRROR, PUBLIC, Topology
from harness.wait import wait_for

if TYPE_CHECKING:
    from harness.labs.choice import AnyLab, AnyServer
    from harness.labs.namespaces import Lab
    from harness.labs.server import Server

CONFIGURATION = "/etc/twinset/cluster-new.toml"


class Cluster(Protocol):
    """Two servers of a lab: those of its first cluster (a Lab), or of another one (``Part``)."""

    @property
    def topology(self) -> Topology:
        """All hosts and LANs."""

    @property
    def servers(self) -> "Sequence[AnyServer]":
        """Both servers."""

    @property
    def server1(self) -> "AnyServer":
        """The first one."""


@dataclass(frozen=True)
class Part:
    """The servers of one cluster of a lab that has several."""

    lab: "Lab"
    cluster: str

    @property
    def topology(self) -> Topology:
        """All hosts and LANs."""
        return self.lab.topology

    @property
    def servers(self) -> "tuple[Server, ...]":
        """Both servers."""
        return self.lab.servers_of(self.cluster)

    @property
    def server1(self) -> "Server":
        """The first one."""
        return self.servers[0]


MOUNT_POINT = "/mnt/db"
GROUP = "db"
SET = "set1"


def configuration(
    lab: Cluster,
    *,
    scripts: Sequence[tuple[str, str]] = (),
    cluster: Mapping[str, Any] | None = None,
    timing: Mapping[str, Any] | None = None,
    set_options: Mapping[str, Any] | None = None,
    group_options: Mapping[str, Any] | None = None,
    virtual_names: Sequence[str] = (),
    associate: bool = True,
    wins_servers: Sequence[str] = (),
    registry_keys: Sequence[tuple[str, str]] = (),
    virtual_ips: Sequence[str] = (),
    filesystem: str = "ext4",
    floating_ip: str = FLOATING_IP,
    script_timeout_s: float = 1800.0,
    monitor: Mapping[str, Any] | None = None,
    watches: Sequence[Mapping[str, Any]] = (),
    more: str = "",
) -> str:
    """The TOML of a pair with one mirror set and one group: mirror disk, address, virtual names, scripts.

    `more` is TOML that follows: further groups, event rules.
    """
    one, two = (server.name for server in lab.servers)
    lines = ["format = 1", "[cluster]", *_pairs({"name": "demo", **(cluster or {})})]
    if timing:
        lines += ["[timing]", *_pairs(timing)]
    if wins_servers:
        lines += ["[name_service]", *_pairs({"wins_servers": wins_servers})]
    for letter, server in zip("CC", lab.servers, strict=True):
        lines += ["[[server]]", *_pairs({"name": server.name, "system_letter": letter})]
    ours = {server.name for server in lab.servers}
    for lan in (lan for lan in lab.topology.lans if ours & lan.addresses.keys()):
        roles = [role for role in (PUBLIC, INTERCONNECT, MIRROR) if role in lan.roles]
        ends = ", ".join(
            f'{{server="{server.name}", interface="{lan.name}", address="{lan.addresses[server.name]}"}}'
            for server in lab.servers
            if server.name in lan.addresses
        )
        lines += ["[[lan]]", *_pairs({"name": lan.name, "roles": roles}), f"endpoints = [ {ends} ]"]
    disks = ", ".join(f'{{server="{server.name}", path="{server.disk_path}"}}' for server in lab.servers)
    numbers = [partition.number for partition in lab.server1.disk.partitions[1:]]
    letters = {number: chr(ord("E") + index) for index, number in enumerate(numbers)}
    lines += ["[[mirror_set]]", *_pairs({"name": SET, **(set_options or {})}), f"disks = [ {disks} ]"]
    partitions = ", ".join(f'{{number={number}, letter="{letter}"}}' for number, letter in letters.items())
    lines.append(f"partitions = [ {partitions} ]")
    lines += [
        "[[group]]",
        *_pairs({"name": GROUP, "policy": [one, two], "startup": "automatic", **(group_options or {})}),
    ]
    mounts = ", ".join(
        f'{{letter="{letter}", path="{mount_point(letter)}", filesystem="{filesystem}"}}'
        for letter in letters.values()
    )
    lines += ["[[group.mirror_disk]]", f'set = "{SET}"', f"mounts = [ {mounts} ]"]
    lines += ["[[group.floating_ip]]", f'address = "{floating_ip}"']
    for name in virtual_names:
        lines += ["[[group.virtual_computer_name]]", *_pairs({"name": name, "associate": associate})]
    for address in virtual_ips:
        lines += ["[[group.virtual_ip]]", f'address = "{address}"']
    for key, store in registry_keys:
        lines += ["[[group.registry_key]]", f"key = '{key}'", f'store = "{store}"']
    for watch in watches:
        lines += ["[[group.watch]]", *_pairs(watch)]
    if monitor is not None:
        lines += ["[group.monitor]", *_pairs(monitor)]
    for start, stop in scripts:
        lines += ["[[group.script]]", *_pairs({"start": start, "stop": stop, "timeout_s": script_timeout_s})]
    return "\n".join(lines) + "\n" + more


def mount_point(letter: str) -> str:
    """Where a data partition is mounted: the first one at the plain path."""
    return MOUNT_POINT if letter == "E" else MOUNT_POINT + letter


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in values.items()]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return str(value)


def write_configuration(lab: Cluster, server: Asking, **options: Any) -> str:
    """Put the configuration on a server; return its path there."""
    server.write_file(CONFIGURATION, configuration(lab, **options))
    return CONFIGURATION


def install_script(lab: Cluster, name: str, text: str) -> str:
    """Put an executable script on both servers; return its path there."""
    path = f"/etc/twinset/scripts/{name}"
    for server in lab.servers:
        server.write_file(path, text, 0o755)
    return path


def await_status(
    server: Asking, predicate: Callable[[dict[str, Any]], Any], timeout_s: float, what: str
) -> dict[str, Any]:
    """Return the first ``cluster status`` of this server for which the predicate is true."""

    def holds() -> dict[str, Any] | None:
        status = server.status()
        return status if status is not None and predicate(status) else None

    status = wait_for(holds, timeout_s, f"{what} (as {server.name} sees it)", poll_s=0.1)
    if status is None:
        raise AssertionError("wait_for returned nothing")
    return status


def await_daemons(lab: Cluster, timeout_s: float = 60.0) -> None:
    """Both daemons answer."""
    await_answers(lab.servers, timeout_s)


def await_answers(servers: Iterable[Asking], timeout_s: float = 60.0) -> None:
    """The daemons of these servers answer."""
    for server in servers:
        wait_for(
            lambda s=server: s.daemon_answers(),  # type: ignore[misc]
            timeout_s,
            f"twinsetd on {server.name} to answer",
            poll_s=0.1,
        )


def await_both_normal(lab: Cluster, timeout_s: float) -> None:
    """Both servers see both servers operating normally."""
    for server in lab.servers:
        for name in (s.name for s in lab.servers):
            await_server(server, name, "O", timeout_s)


def await_server(observer: Asking, name: str, symbol: str, timeout_s: float) -> None:
    """The observer shows a server with that status symbol."""
    await_status(
        observer,
        lambda status: status["servers"].get(name, {}).get("status") == symbol,
        timeout_s,
        f"{name} to be {symbol}",
    )


def await_set(observer: Asking, state: str, timeout_s: float, set_name: str = SET) -> None:
    """The observer shows the mirror set in that state."""
    await_status(
        observer,
        lambda status: status["mirror_sets"].get(set_name, {}).get("state") == state,
        timeout_s,
        f"{set_name} to be {state}",
    )


def await_group(
    observer: Asking, state: str, timeout_s: float, on: str | None = None, group: str = GROUP
) -> None:
    """The observer shows the group in that state (on that server)."""

    def holds(status: dict[str, Any]) -> bool:
        found = status["groups"].get(group, {})
        return found.get("state") == state and on in (None, found.get("server"))

    await_status(observer, holds, timeout_s, f"group {group} to be {state}" + (f" on {on}" if on else ""))


def active_server(lab: "AnyLab", observer: Asking, group: str = GROUP) -> "AnyServer":
    """The server that runs the group, as the observer sees it."""
    status = observer.status() or {}
    return lab.server(status.get("groups", {}).get(group, {}).get("server") or "nobody")


def await_stopped(lab: Cluster, timeout_s: float) -> None:
    """No server operates any more: mirrors closed, nothing in flight."""
    for server in lab.servers:
        await_status(
            server,
            lambda status, name=server.name: status["servers"][name]["status"] == "X",  # type: ignore[misc]
            timeout_s,
            f"{server.name} to be stopped",
        )


PATIENCE_S = 60.0


def insist(asked: Asking, verb: str, timeout_s: float, /, **arguments: Any) -> None:
    """Ask until the daemon accepts: right after another request the cluster may still be busy with that one."""

    def accepted() -> bool:
        try:
            asked.api(verb, timeout_s, **arguments)
        except ApiRefused as refused:
            if refused.error.get("code") != "E_STATE":
                raise
            return False
        return True

    wait_for(accepted, timeout_s, f"{asked.name} to accept {verb}", poll_s=0.2)


def bring_up(lab: Cluster, timeout_s: float = 120.0, **options: Any) -> None:
    """From bare servers to a NORMAL mirror set and an active group."""
    await_daemons(lab)
    one = lab.server1
    write_configuration(lab, one, **options)
    # Over the API: an operator's command starts an interpreter each time.
    one.api("cluster.create", timeout_s, text=configuration(lab, **options))
    insist(one, "cluster.start", timeout_s)
    await_both_normal(lab, timeout_s)
    insist(one, "mirror.create", timeout_s, set=SET, source=one.name)
    for server in lab.servers:
        await_set(server, "NORMAL", timeout_s)
    insist(one, "group.start", timeout_s, group=GROUP)
    await_group(one, "active", timeout_s, on=one.name)
