"""The box: what its name depends on, its boot sector, the files that make one image serve every server."""

import os
import struct
from pathlib import Path

import pytest

from harness import topology
from harness.errors import LabError
from harness.vagrant import box, guest, image, inputs, rootfs


def test_the_key_follows_every_content_and_name() -> None:
    """The same inputs in any order give the same key; another name, content or border between them another one."""
    parts = [("a", b"12"), ("b", b"3")]
    assert inputs.digest(parts) == inputs.digest(reversed(parts))
    others = [
        [("a", b"12"), ("c", b"3")],
        [("a", b"12"), ("b", b"4")],
        [("a", b"1"), ("b", b"23")],
        parts[:1],
    ]
    assert len({inputs.digest(each) for each in [parts, *others]}) == 5


def test_the_box_has_a_versioned_name_beside_its_file() -> None:
    """Vagrant's name and the file carry the key."""
    key = inputs.box_key()
    assert inputs.box_name(key) == f"twinset-bookworm-{key}"
    assert inputs.box_file(key).name == f"twinset-bookworm-{key}.box"


def test_both_package_lists_can_be_read_and_are_not_that_of_ci() -> None:
    """Comments fall away; kernel, block device, peer and database of the box are there, CI installs none of them."""
    box = set(inputs.packages(inputs.PACKAGES.read_text()))
    assert {
        "linux-image-cloud-amd64",
        "nbd-client",
        "drbd-utils",
        "postgresql",
        "samba",
        "fio",
        "libnbd-bin",
    } <= box
    host = set(inputs.packages(inputs.HOST_PACKAGES.read_text()))
    assert {"mmdebstrap", "vagrant", "vagrant-libvirt", "libvirt-daemon-system"} <= host
    ci = set(inputs.packages((inputs.ROOT / ".ci/packages.txt").read_text()))
    assert not ci & {
        "vagrant",
        "mmdebstrap",
        "libvirt-daemon-system",
        "linux-image-cloud-amd64",
        "drbd-utils",
    }


def test_packages_come_from_the_distribution_alone() -> None:
    """mmdebstrap is given the packages, the suite and, only if asked, a mirror."""
    argv = rootfs.argv(["one", "two"], Path("base.tar"))
    assert argv[0] == "mmdebstrap"
    assert "--include=one,two" in argv
    assert argv[-2:] == ["bookworm", "base.tar"]
    assert rootfs.argv(["one"], Path("base.tar"), "mirror")[-1] == "mirror"


def test_the_boot_sector_has_one_bootable_partition() -> None:
    """GRUB's code stays, the table has one Linux partition from 1 MiB to the end, the mark is there."""
    sector = image.boot_sector(b"\xeb" * 512, 8192)
    assert len(sector) == 512
    assert sector[:440] == b"\xeb" * 440
    flag, _, kind, _, first, count = struct.unpack_from("<B3sB3sII", sector, 446)
    assert (flag, kind, first, count) == (0x80, 0x83, 2048, 6144)
    assert sector[462:] == b"\0" * 48 + b"\x55\xaa"


def test_a_boot_loader_of_another_size_is_refused() -> None:
    """Something that is no boot.img is not written to a disk."""
    with pytest.raises(LabError, match="511 bytes"):
        image.boot_sector(b"\0" * 511, 8192)


def test_one_image_serves_every_server() -> None:
    """Each card has an address of its own; its file names it after the LAN and gives it that server's address."""
    lab = topology.default()
    files = guest.network_files(lab)
    macs = [guest.mac(lab, lan.name, server.name) for lan in lab.lans for server in lab.servers]
    assert len(set(macs)) == len(macs)
    assert all(int(mac[:2], 16) & 3 == 2 for mac in macs)  # local, one host's
    for lan in lab.lans:
        assert f"Name={lan.name}\n" in files[f"etc/systemd/network/20-{lan.name}.link"]
        for server in lab.servers:
            text = files[f"etc/systemd/network/20-{lan.name}-{server.name}.network"]
            assert f"MACAddress={guest.mac(lab, lan.name, server.name)}\n" in text
            assert f"Address={lan.addresses[server.name]}\n" in text


def test_a_public_box_keeps_its_own_boot_loader_and_users() -> None:
    """The provisioner brings networks and modules, nothing that a box has by itself."""
    names = guest.provisioned(topology.default())
    assert any(name.startswith("etc/systemd/network/") for name in names)
    assert not any(name.startswith(("boot/", "etc/fstab", "etc/sudoers.d")) for name in names)


def test_only_the_newest_few_boxes_are_kept(tmp_path: Path) -> None:
    """Of each layer the oldest beyond three go, by their time and not by their name."""
    for age, name in enumerate(["b", "a", "d", "c"]):
        for path in (tmp_path / f"twinset-{name}.box", tmp_path / f"wheels-{name}" / "x"):
            path.parent.mkdir(exist_ok=True)
            path.touch()
            os.utime(path if path.suffix else path.parent, (1000 - age, 1000 - age))
    box.prune(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *(f"twinset-{name}.box" for name in "bad"), *(f"wheels-{name}" for name in "bad"),
    }  # fmt: skip
