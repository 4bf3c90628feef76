"""What is run for a mirror disk."""

from pathlib import Path

import pytest

from twinset.resources.mirror_disk import plan

NAMES = plan.Names("set1", "E", Path("/run/twinset/devices"))


def test_the_block_server_is_told_what_it_serves() -> None:
    """Export, socket, file and patience are arguments; the file identifies the process later."""
    argv = plan.block_server(NAMES, Path("/run/twinset/nbd-set1.sock"), 80, plan.FUSE)
    assert argv[1:3] == ["-m", "twinset.shell.block_device"]
    assert argv[3:] == [
        "--export", "E", "--server", "/run/twinset/nbd-set1.sock",
        "--file", "/run/twinset/devices/set1-E.raw", "--front", "fuse", "--reconnect-s", "80",
    ]  # fmt: skip


def test_the_patience_has_a_floor() -> None:
    """However short the configured wait, a restarted mirror process finds its requests again."""
    assert plan.block_server(NAMES, Path("/s"), 1, plan.NBD)[-1] == f"{plan.RECONNECT_S_MIN}"


@pytest.mark.parametrize("filesystem", ["ext4", "xfs", "ntfs", "vfat", "btrfs"])
def test_file_systems_can_be_made(filesystem: str) -> None:
    """Every file system that a configuration may name can be made, without discarding the device."""
    argv = plan.make_filesystem(filesystem, "/dev/loop0")
    assert argv is not None
    assert argv[-1] == "/dev/loop0"


def test_an_unknown_file_system_is_not_guessed() -> None:
    """There is no program for a type that nobody knows."""
    assert plan.make_filesystem("zonk", "/dev/loop0") is None
    assert plan.check_filesystem("zonk", "/dev/loop0") is None


def test_mount_takes_type_and_options() -> None:
    """Type and options of the mount entry reach mount; NTFS is mounted by its driver's name."""
    assert plan.mount("/dev/loop0", "/mnt/db", "ext4", "") == ["mount", "-t", "ext4", "/dev/loop0", "/mnt/db"]
    assert plan.mount("/dev/loop0", "/m", "ntfs", "ro") == [
        "mount",
        "-t",
        "ntfs-3g",
        "-o",
        "ro",
        "/dev/loop0",
        "/m",
    ]


@pytest.mark.parametrize(
    ("driver", "forced", "front"),
    [
        (True, "", plan.NBD),
        (False, "", plan.FUSE),
        (True, plan.FUSE, plan.FUSE),
        (False, plan.NBD, plan.FUSE),
    ],
)
def test_the_kernels_own_client_is_used_where_it_is(driver: bool, forced: str, front: str) -> None:
    """The kernel's NBD client carries the device where the driver is there, unless FUSE is asked for."""
    assert plan.front(driver=driver, forced=forced) == front
