"""What twinset-mirrord is told at its start: spec file, cluster key, identities of server and boot."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinset.errors import TwinsetError
from twinset.wire import keyring

from . import store

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY_BYTES = 16


@dataclass(frozen=True)
class Spec:
    """What the daemon wants of this process; see the contract of the control socket in docs/."""

    set: str
    set_index: int
    server: str
    peer: str
    server_index: int
    disk: str
    partitions: list[dict[str, Any]]
    max_io_kib: int
    max_io_count: int
    fastsync: bool
    paths: list[list[str]]
    port: int
    key_file: str
    state_dir: str
    run_dir: str
    time_scale: float = 1.0
    mirror_timeout_s: float = 10.0
    disk_timeout_s: float = 30.0
    connects: list[str] | None = None  # names of the paths
    leased: bool = True  # false: benchmarks of the data path without a daemon

    @classmethod
    def load(cls, path: Path) -> Spec:
        """Read a spec; raise TwinsetError with the reason."""
        try:
            values = json.loads(path.read_text())
            known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
            return cls(**known)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise TwinsetError(f"{path}: {error}") from None

    def placed(self, layout: list[list[int]]) -> list[dict[str, Any]]:
        """Return letter, start and length (bytes, in the mirrored area) of the data partitions."""
        return [
            {"letter": entry["letter"], "start": start, "length": length}
            for entry, (start, length) in zip(self.partitions, layout, strict=True)
        ]


def identity(path: Path) -> bytes:
    """Return the 16 bytes of an identity file; minted, and durable before they are returned, when it holds none.

    A disk's record names the server that it was registered on (4.3.4.3-03): an identity that a power cut could
    still take back would make this server a stranger to its own disks. Processes of several sets may ask at once.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with store.locked(path.parent):
        with contextlib.suppress(FileNotFoundError, ValueError):
            found = bytes.fromhex(path.read_text(encoding="ascii").strip())
            if len(found) == IDENTITY_BYTES:
                return found
        fresh = os.urandom(IDENTITY_BYTES)
        store.write_atomic(path, fresh.hex() + "\n")
        return fresh


def cluster_keys(path: Path) -> tuple[bytes, ...]:
    """Return the keys of the key file, the current one first; raise TwinsetError with the reason."""
    try:
        return tuple(keyring.parse(path.read_text()))
    except (OSError, ValueError) as error:
        raise TwinsetError(f"cluster key {path}: {error}") from None
