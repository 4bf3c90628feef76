"""What this server knows of a disk beside the bytes on it. Gathered by shell/disk_facts.py, judged by judge.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WHOLE: Final = 0  # in place of a partition's number: the disk itself

# What a use is. The first four mean that somebody works with the disk now.
MOUNTED, SWAP, HELD, OPEN, LOCKED, LISTED = "mounted", "swap", "held", "open", "locked", "listed"
SYSTEM_PLACES: Final = frozenset({"/", "/boot", "/boot/efi", "/boot/firmware", "/efi", "/usr", "/var"})
HOT_PLUG: Final = frozenset({"usb", "mmc"})


@dataclass(frozen=True, slots=True)
class Use:
    """Something on this server that uses a disk or one of its partitions.

    `kind`: mounted at the place `what`; swap, as the device or the file `what`; held by the device `what`; open
    exclusively by somebody; locked by the process `what`; listed in fstab for the place `what`.
    """

    partition: int
    kind: str
    what: str

    @property
    def where(self) -> str:
        """Name the part of the disk."""
        return f"partition {self.partition}" if self.partition else "the disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFacts:
    """A disk or an image file as the system shows it. Empty or None: not known, or does not apply."""

    path: str
    size_bytes: int
    device: str = ""  # the kernel's name; "" for an image file
    sector_bytes: int = 512
    physical_sector_bytes: int = 512
    partition_of: str = ""  # the path is a partition of that disk
    volume: str = ""  # "an array of the system's software RAID", "a logical volume", ...
    read_only: bool = False
    removable: bool = False
    transport: str = ""  # usb, mmc, nvme, virtio, scsi, loop, ...
    model: str = ""
    controller: str = ""  # the driver of its controller
    array: bool | None = None  # a logical drive of an array controller
    write_cache: str = ""  # "write back" or "write through"
    uses: tuple[Use, ...] = ()

    @property
    def block_device(self) -> bool:
        """True for a disk, False for an image file."""
        return bool(self.device)

    @property
    def busy(self) -> tuple[Use, ...]:
        """Return the uses that are going on now: nothing may be written beneath them."""
        return tuple(use for use in self.uses if use.kind != LISTED)
