"""What the Vagrantfile builds, decided here and tested: `python3 -m harness.vagrant.plan` prints it as JSON.

The environment chooses (all optional):

    TWINSET_VM_DISKS=4        disks of each server: the mirror set's, then three for perf (DRBD's, a raw one, md's)
    TWINSET_VM_DISK_MIB=512   their size
    TWINSET_VM_MEMORY_MIB=768 memory of each server
    TWINSET_VM_CPUS=2         its processors
    TWINSET_VM_ACCEL=auto     kvm, tcg, or auto: KVM where a kernel boots with it
    TWINSET_VM_BOX=NAME       another box (a public Debian one, say); the provisioner then installs everything
    TWINSET_VMS_DIR=DIR       where boxes, disks and the run's own libvirt live
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import LabError
from harness.topology import MIRROR, PUBLIC, Topology, default
from harness.vagrant import guest, inputs, kvm

DOMAIN_PREFIX = "twinset_"
POOL = "default"  # the usual one of a machine with libvirt; the run's own libvirt has it in its directory
MANAGEMENT_NETWORK = "twinset-management"
MANAGEMENT_CIDR = "192.168.121.0/24"
BOOT_S = {"kvm": 120, "tcg": 600}
DISKS_MAX, DISK_MIB_MIN, MEMORY_MIB_MIN, CPUS_MAX = 8, 64, 384, 16


@dataclass(frozen=True)
class Settings:
    """The user's choices, checked."""

    disks: int = 4  # one of the mirror set, and three for perf: DRBD's, a raw one, md's; sparse files all
    disk_mib: int = 512
    memory_mib: int = 768
    cpus: int = 2  # with one, a card's queue was seen to stop for good after a pause
    accel: str = "auto"
    box: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read TWINSET_VM_*; LabError names the variable and what is allowed."""
        return cls(
            _number(environment, "TWINSET_VM_DISKS", cls.disks, 1, DISKS_MAX),
            _number(environment, "TWINSET_VM_DISK_MIB", cls.disk_mib, DISK_MIB_MIN, 1 << 20),
            _number(environment, "TWINSET_VM_MEMORY_MIB", cls.memory_mib, MEMORY_MIB_MIN, 1 << 20),
            _number(environment, "TWINSET_VM_CPUS", cls.cpus, 1, CPUS_MAX),
            _word(environment, "TWINSET_VM_ACCEL", cls.accel, ("auto", "kvm", "tcg")),
            environment.get("TWINSET_VM_BOX", ""),
        )


def _number(environment: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = environment.get(name, str(usual))
    if not text.isdigit() or not least <= int(text) <= most:
        raise LabError(f"{name}={text!r}: a number from {least} to {most}")
    return int(text)


def _word(environment: Mapping[str, str], name: str, usual: str, allowed: tuple[str, ...]) -> str:
    text = environment.get(name, usual)
    if text not in allowed:
        raise LabError(f"{name}={text!r}: one of {', '.join(allowed)}")
    return text


def serial(number: int) -> str:
    """The serial number of a mirror disk, 1 for the first; the guest finds it under /dev/disk/by-id."""
    return f"mirror{number}"


def disk_path(number: int) -> str:
    """The path of a mirror disk in the servers."""
    return f"/dev/disk/by-id/virtio-{serial(number)}"


def domain(server: str) -> str:
    """The name of a server's domain in libvirt."""
    return f"{DOMAIN_PREFIX}{server}"


def image_name(server: str, number: int) -> str:
    """The image of a mirror disk in the storage pool."""
    return f"{domain(server)}-{serial(number)}.raw"


def network(lan: str) -> str:
    """The name of a LAN in libvirt."""
    return f"twinset-{lan}"


def plan(settings: Settings, topology: Topology, *, kvm_works: bool, directory: Path) -> dict[str, Any]:
    """Everything that the Vagrantfile needs."""
    if settings.accel == "kvm" and not kvm_works:
        raise LabError("TWINSET_VM_ACCEL=kvm, but no kernel boots with KVM here")
    accel = "kvm" if kvm_works and settings.accel != "tcg" else "tcg"
    public_box = bool(settings.box)
    return {
        "box": settings.box or inputs.box_name(inputs.box_key()),
        "box_file": "" if public_box else str(inputs.box_file(inputs.box_key())),
        "public_box": public_box,
        "provision_directory": str(directory / "provision"),
        "accel": accel,
        "boot_s": BOOT_S[accel],
        "memory_mib": settings.memory_mib,
        "cpus": settings.cpus,
        "domain_prefix": DOMAIN_PREFIX,
        "pool": POOL,
        "console_directory": str(directory / "console"),
        "management": {"name": MANAGEMENT_NETWORK, "cidr": MANAGEMENT_CIDR},
        "servers": [_server(settings, topology, name.name) for name in topology.servers],
    }


def _server(settings: Settings, topology: Topology, name: str) -> dict[str, Any]:
    disks = [
        {"serial": serial(n), "mib": settings.disk_mib, "file": image_name(name, n)}
        for n in range(1, settings.disks + 1)
    ]
    cards = [
        {
            "network": network(lan.name),
            "mac": guest.mac(topology, lan.name, name),
            "ip": lan.addresses[name].partition("/")[0],
            "host_ip": _beyond(lan.addresses[name]),
            "isolated": PUBLIC not in lan.roles,
            "mirror": MIRROR in lan.roles,
        }
        for lan in topology.lans_of(name)
    ]
    return {"name": name, "disks": disks, "cards": cards}


def _beyond(address: str) -> str:
    """An address for the host's end of a network: .1 belongs to a server."""
    return address.partition("/")[0].rpartition(".")[0] + ".254"


def main() -> int:
    """Print the plan of this environment."""
    try:
        settings = Settings.from_environment(os.environ)
        print(json.dumps(plan(settings, default(), kvm_works=kvm.works(), directory=inputs.directory())))
    except LabError as error:
        print(f"Vagrantfile: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
