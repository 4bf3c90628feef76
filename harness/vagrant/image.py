"""A bootable disk image without loop mounts or a boot loader's installer.

    sector 0            GRUB's boot.img with a partition table of one entry
    sectors 1 to 2047   GRUB's core image
    1 MiB to the end    ext4, filled from a directory

boot.img loads the core from sector 1 as it comes, and the core's first sector loads the rest from sector 2.
"""

import struct
from pathlib import Path

from harness.errors import LabError
from harness.run import run

SECTOR = 512
FIRST_SECTOR = 2048
LINUX = 0x83
BOOTABLE = 0x80
TABLE_OFFSET = 446
SIGNATURE_OFFSET = 440
MARK = b"\x55\xaa"
CHS_BEYOND = b"\xfe\xff\xff"
GRUB = Path("/usr/lib/grub/i386-pc")
GRUB_MODULES = ("biosdisk", "part_msdos", "ext2", "normal", "linux", "configfile", "test")
# GRUB 2.06 cannot read these.
EXT4_WITHOUT = "^metadata_csum_seed,^orphan_file"
UUID = "7e157e15-0000-4000-8000-000000000001"
HASH_SEED = "7e157e15-0000-4000-8000-000000000002"


def boot_sector(boot: bytes, sectors: int, signature: int = 0x7E150B00) -> bytes:
    """Sector 0: GRUB's code and a table with one bootable Linux partition to the disk's end."""
    if len(boot) != SECTOR:
        raise LabError(f"boot.img has {len(boot)} bytes, not {SECTOR}")
    entry = struct.pack(
        "<B3sB3sII", BOOTABLE, CHS_BEYOND, LINUX, CHS_BEYOND, FIRST_SECTOR, sectors - FIRST_SECTOR
    )
    head = boot[:SIGNATURE_OFFSET] + struct.pack("<IH", signature, 0)
    return head + entry.ljust(64, b"\0") + MARK


def write(image: Path, root: Path, size_mib: int, epoch_s: int) -> None:
    """Write the image; ``root`` is copied into it as it is."""
    core = image.with_suffix(".core")
    run(["grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o", str(core), *GRUB_MODULES])
    loader = core.read_bytes()
    core.unlink()
    if len(loader) > (FIRST_SECTOR - 1) * SECTOR:
        raise LabError("GRUB's core image does not fit before the partition")
    size = size_mib << 20
    with image.open("wb") as file:
        file.truncate(size)
        file.write(boot_sector((GRUB / "boot.img").read_bytes(), size // SECTOR))
        file.write(loader)
    blocks = (size - FIRST_SECTOR * SECTOR) // 1024
    run(
        ["mke2fs", "-q", "-F", "-t", "ext4", "-O", EXT4_WITHOUT, "-U", UUID, "-d", str(root),
         "-E", f"offset={FIRST_SECTOR * SECTOR},hash_seed={HASH_SEED},lazy_itable_init=1", str(image), f"{blocks}k"],
        timeout_s=600,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "E2FSPROGS_FAKE_TIME": str(epoch_s)},
    )  # fmt: skip
