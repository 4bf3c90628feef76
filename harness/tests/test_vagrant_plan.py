"""What the Vagrantfile is told, and the check whether KVM works."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness import topology
from harness.errors import LabError
from harness.run import run
from harness.vagrant import inputs, kvm, plan
from harness.vagrant.plan import Settings


def planned(environment: Mapping[str, str] | None = None, *, kvm_works: bool = False) -> dict[str, Any]:
    settings = Settings.from_environment(environment or {})
    return plan.plan(settings, topology.default(), kvm_works=kvm_works, directory=Path("/d"))


def test_two_servers_on_three_networks() -> None:
    """Each server has its disks, and cards on the public LAN and both interconnects, one the mirror connect."""
    servers = planned()["servers"]
    assert [server["name"] for server in servers] == ["server1", "server2"]
    for server in servers:
        assert [card["network"] for card in server["cards"]] == [
            "twinset-public",
            "twinset-ic1",
            "twinset-ic2",
        ]
        assert [card["isolated"] for card in server["cards"]] == [False, True, True]
        assert [card["mirror"] for card in server["cards"]] == [False, True, False]
        assert [disk["serial"] for disk in server["disks"]] == ["mirror1", "mirror2", "mirror3", "mirror4"]


def test_no_host_address_is_a_servers() -> None:
    """The machine's own end of a network never takes an address of a server: libvirt would take .1."""
    cards = [card for server in planned()["servers"] for card in server["cards"]]
    assert not {card["host_ip"] for card in cards} & {card["ip"] for card in cards}


def test_disks_memory_and_processors_are_chosen_by_the_environment() -> None:
    """Number and size of the disks, memory, processors and box follow the variables."""
    environment = {
        "TWINSET_VM_DISKS": "2", "TWINSET_VM_DISK_MIB": "1024", "TWINSET_VM_MEMORY_MIB": "900",
        "TWINSET_VM_CPUS": "4", "TWINSET_VM_BOX": "debian/bookworm64",
    }  # fmt: skip
    found = planned(environment)
    disks = found["servers"][1]["disks"]
    assert [(disk["serial"], disk["mib"]) for disk in disks] == [("mirror1", 1024), ("mirror2", 1024)]
    assert len({disk["file"] for server in found["servers"] for disk in server["disks"]}) == 4
    assert (found["memory_mib"], found["cpus"]) == (900, 4)
    assert (found["box"], found["public_box"], found["box_file"]) == ("debian/bookworm64", True, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWINSET_VM_DISKS", "9"),
        ("TWINSET_VM_DISKS", "many"),
        ("TWINSET_VM_CPUS", "0"),
        ("TWINSET_VM_ACCEL", "xen"),
    ],
)
def test_a_setting_out_of_bounds_is_refused_with_its_name(name: str, value: str) -> None:
    """The message has the variable, the value and what is allowed."""
    with pytest.raises(LabError, match=f"{name}='{value}'"):
        Settings.from_environment({name: value})


def test_kvm_only_where_it_works() -> None:
    """Emulation, with its longer time to boot, unless KVM works and nobody asks for emulation."""
    assert (planned()["accel"], planned()["boot_s"]) == ("tcg", plan.BOOT_S["tcg"])
    assert planned(kvm_works=True)["accel"] == "kvm"
    assert planned({"TWINSET_VM_ACCEL": "tcg"}, kvm_works=True)["accel"] == "tcg"
    with pytest.raises(LabError, match="no kernel boots with KVM"):
        planned({"TWINSET_VM_ACCEL": "kvm"})


def test_kvm_works_only_if_a_kernel_came_to_its_own_end() -> None:
    """A console that stops after the boot loader, or says nothing, is no working KVM."""
    assert kvm.booted("[ 1.0] Kernel panic - not syncing: VFS: Unable to mount root fs")
    assert not kvm.booted("Booting from ROM...")
    assert not kvm.booted("")


def test_the_trial_boots_a_kernel_and_ends_with_it() -> None:
    """QEMU gets KVM, the kernel, a console, and ends when the kernel reboots."""
    argv = kvm.trial_argv(Path("/k"))
    assert argv[argv.index("-accel") + 1] == "kvm"
    assert argv[argv.index("-kernel") + 1] == "/k"
    assert "-no-reboot" in argv
    assert "panic=-1" in argv[-1]


def test_the_answer_is_kept_for_one_boot_and_one_kernel(tmp_path: Path) -> None:
    """A kept answer of another boot or kernel, or a torn one, is no answer."""
    cache = tmp_path / "kvm.json"
    assert kvm.remembered(cache, "boot kernel") is None
    cache.write_text(json.dumps({"key": "boot kernel", "works": False}))
    assert kvm.remembered(cache, "boot kernel") is False
    assert kvm.remembered(cache, "boot2 kernel") is None
    cache.write_text("{")
    assert kvm.remembered(cache, "boot kernel") is None


def test_without_the_device_nothing_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No /dev/kvm: no, at once."""
    monkeypatch.setattr(kvm, "DEVICE", tmp_path / "kvm")
    assert kvm.works(tmp_path / "kernel", tmp_path / "cache") is False
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif(shutil.which("ruby") is None, reason="needs ruby, which Vagrant brings")
def test_the_vagrantfile_is_ruby() -> None:
    """Ruby reads the Vagrantfile without complaint."""
    assert "Syntax OK" in run(["ruby", "-c", str(inputs.ROOT / "Vagrantfile")]).stdout


def test_every_word_of_the_plan_that_the_vagrantfile_asks_for_is_there() -> None:
    """PLAN["x"] in the Vagrantfile is a key of the plan."""
    import re

    found = planned()
    asked = set(re.findall(r'PLAN\["(\w+)"\]|PLAN\[\'(\w+)\'\]', (inputs.ROOT / "Vagrantfile").read_text()))
    words = {one or other for one, other in asked}
    assert words
    assert words <= found.keys()
