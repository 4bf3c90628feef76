"""Which lab: namespaces of this machine, or two virtual machines that are up."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from harness import preflight
from harness.errors import LabError
from harness.labs.host import Host
from harness.labs.machine import Machine
from harness.labs.namespaces import Lab
from harness.labs.server import Server
from harness.labs.vagrant import VagrantLab
from harness.topology import Topology, beside_second, routed
from harness.vagrant import place

AnyHost: TypeAlias = Host | Machine
AnyServer: TypeAlias = Server | Machine


class AnyLab(Protocol):
    """What both labs have. A host that is passed to a lab is one of its own."""

    topology: Topology

    @property
    def hosts(self) -> Mapping[str, Any]:
        """Every host by name."""

    @property
    def servers(self) -> Sequence[AnyServer]:
        """The servers, in the guide's order."""

    @property
    def server1(self) -> AnyServer:
        """The first server."""

    def server(self, name: str) -> AnyServer:
        """The server of that name."""

    def peer_of(self, server: Any) -> AnyServer:
        """The other server."""

    def power_on(self, host: Any) -> None:
        """Give a host power."""

    def power_off(self, host: Any) -> None:
        """Cut the power."""

    def cut(self, lan: str, hosts: Any = None, direction: str = "both") -> None:
        """Cut servers off a LAN."""

    def heal(self, lan: str | None = None, hosts: Any = None) -> None:
        """Undo cuts."""

    def collect(self, target: Path) -> None:
        """Copy what helps a reader."""

    def destroy(self) -> None:
        """End what the lab made."""


AUTO, NAMESPACES, VAGRANT = "auto", "namespaces", "vagrant"
LABS = (AUTO, NAMESPACES, VAGRANT)
# Time scales of each lab where nobody chooses: emulated processors need the real seconds.
SCALES = {NAMESPACES: 0.1, VAGRANT: 1.0}


def chosen(wanted: str) -> str:
    """The lab that is meant: the virtual machines where both run, unless another one is asked for."""
    if wanted not in LABS:
        raise LabError(f"no lab {wanted!r}: {', '.join(LABS)}")
    if wanted != AUTO:
        return wanted
    return VAGRANT if vms_run() else NAMESPACES


def vms_run() -> bool:
    """True when both virtual machines of this lab are up."""
    where = place.find()
    return where is not None and VagrantLab.machines_up(where)


def reason_to_skip(lab: str) -> str:
    """One line why a lab cannot be used here, empty when it can."""
    if lab == NAMESPACES:
        return preflight.reason_to_skip()
    return "" if vms_run() else "the virtual machines are not up: make vms"


def maker(lab: str, scale: float) -> Callable[[int, bool], AnyLab]:
    """A function that makes the lab, given the size of its disks in MiB, and whether a second cluster is wanted."""

    def make(disk_mib: int, second_cluster: bool) -> AnyLab:
        if lab == VAGRANT:
            return VagrantLab.create(scale=scale, disk_mib=disk_mib, name="conformance")
        wanted = beside_second(routed()) if second_cluster else routed()
        return Lab.create(wanted, scale=scale, disk_mib=disk_mib, name="conformance")

    return make
