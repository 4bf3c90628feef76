"""What tests of several parts share: a patient hypothesis, and what they build their disks from."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

# Machines that run these tests are loaded: how long an example takes proves nothing.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

Entry = tuple[int, int, int]  # kind, first sector, sectors


def partition_table(*entries: Entry | None, disk_id: int = 0) -> bytes:
    """Return a sector with the four entries of an MBR or of a link in a chain of logical partitions."""
    sector = bytearray(512)
    struct.pack_into("<I", sector, 440, disk_id)
    for index, entry in enumerate(entries):
        if entry is not None:
            kind, first, count = entry
            struct.pack_into("<B3sB3sII", sector, 446 + 16 * index, 0, b"", kind, b"", first, count)
    sector[510:] = b"\x55\xaa"
    return bytes(sector)


@pytest.fixture()
def table() -> Callable[..., bytes]:
    """Return the builder of partition tables."""
    return partition_table
