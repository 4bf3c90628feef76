"""Small files that survive a power cut: written beside, flushed, renamed, and the directory flushed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from typing import TYPE_CHECKING, Any

from twinset.wire import keyring

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twinset.wire.keyring import Keyring

FILE_BYTES_MAX = 4 * 1024 * 1024
BOOT_ID_HEX_DIGITS = 32


def write_atomic(path: Path, data: bytes | str, mode: int = 0o600) -> None:
    """Replace a file as a whole, durably: after a crash there is the old content or the new one."""
    if isinstance(data, str):
        data = data.encode()
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a directory's lock: one process at a time finds that a file is missing and makes it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file durably."""
    write_atomic(path, json.dumps(value, indent=1, sort_keys=True).encode() + b"\n")


def read_json_object(path: Path) -> tuple[dict[str, Any], str]:
    """Return the object in a file and why it is empty: "" when it was read or does not exist."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"{path}: {error.strerror}"
    if len(data) > FILE_BYTES_MAX:
        return {}, f"{path}: larger than {FILE_BYTES_MAX} bytes"
    try:
        value = json.loads(data)
    except ValueError as error:
        return {}, f"{path}: no JSON: {error}"
    if not isinstance(value, dict):
        return {}, f"{path}: not a JSON object"
    return value, ""


def read_keys(path: Path) -> Keyring:
    """Read the cluster key, and what is believed beside it; ValueError says what is wrong with the file."""
    try:
        text = path.read_text(encoding="ascii")
        mode = path.stat().st_mode & 0o077
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from None
    if mode:
        raise ValueError(f"{path}: readable by others (mode {mode:03o} for group and others, must be 000)")
    try:
        return keyring.parse(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def boot_id(path: Path) -> str:
    """Return the id of this boot, minted when the file is missing (the directory dies with the boot)."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = path.read_text(encoding="ascii").strip()
        if len(text) == BOOT_ID_HEX_DIGITS and set(text) <= set("0123456789abcdef"):
            return text
    text = secrets.token_hex(BOOT_ID_HEX_DIGITS // 2)
    write_atomic(path, text.encode() + b"\n")
    return text
