"""What is known of a disk: from a small sysfs of our own, and from the kernel's where there are loop devices."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.run import run
from twinset.disks.facts import HELD, LISTED, LOCKED, MOUNTED, OPEN, SWAP, Use
from twinset.errors import DiskError
from twinset.shell import disk_facts
from twinset.shell.disk import Disk
from twinset.shell.disk_facts import System, gather

MIB = 1 << 20


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


class Machine:
    """A machine of files. A block device is a name; its number is looked up where the real one would be."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.system = System(root / "sys", root / "proc", root / "fstab")
        self.numbers: dict[str, tuple[int, int]] = {}
        (root / "sys" / "block").mkdir(parents=True)
        real = Path.stat

        def pretend(path: Path, *, follow_symlinks: bool = True) -> Any:
            if str(path) in self.numbers:
                major, minor = self.numbers[str(path)]
                return SimpleNamespace(
                    st_mode=stat.S_IFBLK, st_rdev=os.makedev(major, minor), st_dev=5, st_ino=minor
                )
            return real(path, follow_symlinks=follow_symlinks)

        monkeypatch.setattr(Path, "stat", pretend)
        monkeypatch.setattr(disk_facts, "_claimable", lambda _: self.claimable)
        self.claimable = True

    def add(self, place: str, number: tuple[int, int], **files: str) -> Path:
        """Make a block device, or a partition inside the folder of its disk, with attributes."""
        folder = self.root / "sys" / "devices" / place
        for name, text in {"size": "8192", "ro": "0", "dev": f"{number[0]}:{number[1]}", **files}.items():
            put(folder / name.replace("__", "/"), text)
        links = self.root / "sys" / "dev" / "block"
        links.mkdir(parents=True, exist_ok=True)
        (links / f"{number[0]}:{number[1]}").symlink_to(folder)
        if "partition" not in files:
            (self.root / "sys" / "block" / folder.name).symlink_to(folder)
        self.numbers[f"/dev/{folder.name}"] = number
        return folder

    def hold(self, below: Path, above: Path) -> None:
        (below / "holders").mkdir(exist_ok=True)
        (below / "holders" / above.name).symlink_to(above)

    def mount(self, number: tuple[int, int], place: str, source: str = "none") -> None:
        with (self.root / "proc" / "self" / "mountinfo").open("a") as table:
            table.write(f"30 1 {number[0]}:{number[1]} / {place} rw shared:1 - ext4 {source} rw\n")

    def sda(self) -> tuple[Path, Path, Path]:
        disk = self.add("pci0/ata1/host0/sda", (8, 0), removable="0", queue__write_cache="write back")
        one = self.add("pci0/ata1/host0/sda/sda1", (8, 1), partition="1")
        two = self.add("pci0/ata1/host0/sda/sda2", (8, 2), partition="2")
        put(self.root / "proc" / "self" / "mountinfo", "")
        return disk, one, two

    def uses(self) -> tuple[Use, ...]:
        return gather("/dev/sda", system=self.system).uses


@pytest.fixture()
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_a_plain_disk(machine: Machine) -> None:
    """Size, sectors, kind, and nobody uses it."""
    machine.sda()
    facts = gather("/dev/sda", system=machine.system)
    assert (facts.device, facts.size_bytes, facts.sector_bytes, facts.transport) == (
        "sda",
        4 * MIB,
        512,
        "ata",
    )
    assert (facts.write_cache, facts.array, facts.removable, facts.volume) == ("write back", False, False, "")
    assert facts.uses == ()


def test_large_sectors_do_not_change_the_size(machine: Machine) -> None:
    """The system counts in 512 bytes whatever the disk does."""
    machine.add("pci0/nvme0/nvme0n1", (259, 0), queue__logical_block_size="4096")
    facts = gather("/dev/nvme0n1", system=machine.system)
    assert (facts.size_bytes, facts.sector_bytes) == (4 * MIB, 4096)


def test_a_partition_is_not_a_disk(machine: Machine) -> None:
    """Its disk is named."""
    machine.sda()
    assert gather("/dev/sda2", system=machine.system).partition_of == "/dev/sda"


@pytest.mark.parametrize(
    ("place", "files", "removable", "transport"),
    [
        ("pci0/usb1/1-1/host3/sdc", {"removable": "0"}, False, "usb"),
        ("pci0/host3/sdc", {"removable": "1"}, True, ""),
        ("pci0/mmc_host/mmc0/sdc", {}, False, "mmc"),
        ("pci0/virtio1/sdc", {}, False, "virtio"),
    ],
)
def test_how_a_disk_is_attached(
    machine: Machine, place: str, files: dict[str, str], removable: bool, transport: str
) -> None:
    """The place in the tree of devices says it (4.1.2-04)."""
    machine.add(place, (8, 32), **files)
    facts = gather("/dev/sdc", system=machine.system)
    assert (facts.removable, facts.transport) == (removable, transport)


@pytest.mark.parametrize(
    ("files", "slaves", "volume"),
    [
        ({"md__level": "raid1"}, 2, "an array of the system's software RAID"),
        ({"dm__uuid": "LVM-abc"}, 1, "a logical volume"),
        ({"dm__uuid": ""}, 2, "a volume of 2 devices"),
        ({"dm__uuid": ""}, 1, ""),
        ({"dm__uuid": "mpath-abc"}, 2, ""),
    ],
)
def test_volumes_of_the_system_are_seen(
    machine: Machine, files: dict[str, str], slaves: int, volume: str
) -> None:
    """Several paths to one disk are no volume (2.2.2.1-12)."""
    folder = machine.add("virtual/block/dm-0", (253, 0), **files)
    for index in range(slaves):
        (folder / "slaves" / f"sd{index}").mkdir(parents=True)
    found = gather("/dev/dm-0", system=machine.system).volume
    assert volume in found
    assert bool(found) is bool(volume)


@pytest.mark.parametrize(("driver", "array"), [("megaraid_sas", True), ("ahci", None)])
def test_a_drive_of_an_array_controller_is_an_array(
    machine: Machine, driver: str, array: bool | None
) -> None:
    """By the controller's driver, not by the generic one of the disk; else nobody knows."""
    folder = machine.add("pci0/host0/target0/0:0:0:0/block/sdd", (8, 48))
    drivers = machine.root / "drivers"
    for name in (driver, "sd"):
        (drivers / name).mkdir(parents=True)
    (folder.parents[1] / "driver").symlink_to(drivers / "sd")
    (folder.parents[3] / "driver").symlink_to(drivers / driver)
    facts = gather("/dev/sdd", system=machine.system)
    assert (facts.controller, facts.array) == (driver, array)


def test_mounts_of_disk_and_partitions(machine: Machine) -> None:
    """By device number, or by the source where the number is the file system's own (btrfs)."""
    machine.sda()
    machine.mount((8, 1), "/boot")
    machine.mount((0, 99), "/", "/dev/sda2")
    machine.mount((8, 17), "/other")
    assert machine.uses() == (Use(1, MOUNTED, "/boot"), Use(2, MOUNTED, "/"))


def test_a_volume_over_a_partition_and_what_is_mounted_of_it(machine: Machine) -> None:
    """The system on a logical volume is found through it (4.1.2-02)."""
    _, _, two = machine.sda()
    md = machine.add("virtual/block/md0", (9, 0))
    dm = machine.add("virtual/block/dm-0", (253, 0))
    machine.hold(two, md)
    machine.hold(md, dm)
    machine.mount((253, 0), "/")
    assert machine.uses() == (Use(2, HELD, "md0"), Use(2, MOUNTED, "/"))


def test_swap_on_a_partition_and_in_a_file(machine: Machine, tmp_path: Path) -> None:
    """A file counts for the disk its file system lies on (4.1.2-03)."""
    _, _, two = machine.sda()
    file = tmp_path / "swapfile"
    file.write_text("")
    device = file.stat().st_dev
    dm = machine.add("virtual/block/dm-0", (os.major(device), os.minor(device)))
    machine.hold(two, dm)
    put(
        machine.root / "proc" / "swaps",
        f"Filename Type Size Used Priority\n/dev/sda1 partition 1 0 -2\n{file} file 1 0 -3",
    )
    assert machine.uses() == (Use(2, HELD, "dm-0"), Use(1, SWAP, "/dev/sda1"), Use(2, SWAP, str(file)))


def test_fstab_is_read_by_device(machine: Machine) -> None:
    """What the system would mount at the next boot (7.1.2-05)."""
    machine.sda()
    put(machine.system.fstab, "/dev/sda1 /srv ext4 defaults 0 2\n/dev/sdz1 /else ext4 defaults 0 2")
    assert machine.uses() == (Use(1, LISTED, "/srv"),)


def test_who_is_not_visible_is_noticed_by_trying(machine: Machine) -> None:
    """A claim of another namespace; not tried where something visible uses the disk, or when told not to."""
    machine.sda()
    machine.claimable = False
    assert machine.uses() == (Use(0, OPEN, "/dev/sda"),)
    assert gather("/dev/sda", system=machine.system, probe=False).uses == ()
    machine.mount((8, 1), "/srv")
    assert machine.uses() == (Use(1, MOUNTED, "/srv"),)


def test_the_disks_of_a_server(machine: Machine) -> None:
    """Not partitions, volumes, loop devices, memory or an empty drive."""
    machine.sda()
    for number, name in enumerate(("loop0", "dm-0", "md0", "zram0", "sr0", "nvme0n1")):
        machine.add(f"virtual/block/{name}", (7, number))
    machine.add("pci0/usb1/sdb", (8, 16), size="0")
    assert disk_facts.paths_of_disks(machine.system) == ["/dev/nvme0n1", "/dev/sda"]


def test_what_is_no_disk_is_refused(tmp_path: Path) -> None:
    """A folder, and a name of nothing."""
    with pytest.raises(DiskError, match="neither a block device nor an image"):
        gather(tmp_path)
    with pytest.raises(DiskError, match="No such file"):
        gather(tmp_path / "missing")


def test_the_holder_of_an_image_is_named(image: Path) -> None:
    """twinset-mirrord keeps a lock; it is seen without being disturbed, and gone when it ends."""
    assert gather(image).uses == ()
    disk = Disk(image)
    [use] = gather(image).uses
    assert (use.kind, f"(process {os.getpid()})" in use.what) == (LOCKED, True)
    disk.close()
    assert gather(image).uses == ()


@pytest.fixture()
def image(tmp_path: Path, table: Any) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(table((0x7F, 2048, 2048), (0x83, 8192, 16384)).ljust(16 * MIB, b"\0"))
    return path


needs_loops = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/loop-control").exists() or not shutil.which("partx"),
    reason="needs root, loop devices and partx",
)


@pytest.fixture()
def loop(image: Path) -> Iterator[str]:
    name = run(["losetup", "--find", "--show", str(image)]).stdout.strip()
    run(["partx", "--add", name], check=False)
    yield name
    run(["partx", "--delete", name], check=False)
    run(["losetup", "--detach", name])


@needs_loops
def test_a_real_block_device_with_a_mounted_partition(loop: str, image: Path, tmp_path: Path) -> None:
    """The kernel's own words: size, mount and place are found on the device and, through it, on its image."""
    run(["mke2fs", "-q", "-F", f"{loop}p2"])
    place = tmp_path / "mounted"
    place.mkdir()
    run(["mount", f"{loop}p2", str(place)])
    try:
        facts = gather(loop)
        assert (facts.size_bytes, facts.transport, facts.uses) == (
            16 * MIB,
            "loop",
            (Use(2, MOUNTED, str(place)),),
        )
        assert set(gather(image).uses) == {Use(0, HELD, loop), Use(2, MOUNTED, str(place))}
        assert gather(f"{loop}p1").partition_of == loop
    finally:
        run(["umount", str(place)])
    assert gather(loop).uses == ()


@needs_loops
def test_a_real_swap_area(loop: str) -> None:
    """Found while it is in use, and not after (4.1.2-03)."""
    run(["mkswap", f"{loop}p2"])
    run(["swapon", f"{loop}p2"])
    try:
        assert gather(loop).uses == (Use(2, SWAP, f"{loop}p2"),)
    finally:
        run(["swapoff", f"{loop}p2"])
    assert gather(loop).uses == ()


@needs_loops
def test_a_real_claim(loop: str) -> None:
    """Whoever has the device for itself is noticed."""
    claim = os.open(loop, os.O_RDWR | os.O_EXCL)
    try:
        assert gather(loop).uses == (Use(0, OPEN, loop),)
    finally:
        os.close(claim)
