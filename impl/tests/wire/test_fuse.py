"""Replies of the FUSE server: lengths and places that the kernel checks."""

import struct

import pytest

from twinset.wire import fuse


def test_the_layouts_have_the_kernels_sizes() -> None:
    """Every structure has the size that the kernel's header gives it."""
    assert fuse.IN_HEADER.size == 40
    assert fuse.OUT_HEADER.size == 16
    assert fuse.IO_IN.size == 40
    assert len(fuse.open_reply()) == 16
    assert len(fuse.write_reply(1)) == 8
    assert len(fuse.attributes_reply(1)) == 104
    assert len(fuse.statfs_reply(1)) == 80
    assert len(init()) == 64


def init(minor: int = 45, flags: int = 0xFFFFFFFF) -> bytes:
    body = struct.pack("=IIII", 7, minor, 131072, flags) + bytes(48)
    return fuse.init_reply(body, requests_max=64, io_bytes_max=131072)


def test_the_kernel_is_told_the_limits() -> None:
    """Depth of the queue, bytes and pages of a request stand where the kernel reads them."""
    major, minor, _, flags, depth, _, write_max, _, pages, _ = struct.unpack_from("=IIIIHHIIHH", init())
    assert (major, minor) == (7, 31)
    assert (depth, write_max, pages) == (64, 131072, 32)
    assert flags == fuse.WANTED_FLAGS


def test_only_flags_that_the_kernel_offers_are_taken() -> None:
    """A flag that the kernel does not know is not asked for."""
    flags = struct.unpack_from("=IIII", init(flags=fuse.FLAG_ASYNC_DIO))[3]
    assert flags == fuse.FLAG_ASYNC_DIO


def test_another_protocol_is_refused() -> None:
    """A kernel that speaks another major version is not served."""
    with pytest.raises(ValueError, match="FUSE 8"):
        fuse.init_reply(struct.pack("=IIII", 8, 0, 0, 0), requests_max=1, io_bytes_max=4096)


def test_the_size_of_the_file_is_the_size_of_the_partition() -> None:
    """Size and blocks of the attributes follow the partition."""
    _, _, _, node, size, blocks = struct.unpack_from("=QIIQQQ", fuse.attributes_reply(1 << 20))
    assert (node, size, blocks) == (1, 1 << 20, 2048)
