"""The exported keys as files of this server's local disk, one each, durable before anything is sent (6.2.7-03)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from twinset.errors import Refusal
from twinset.registry import hive as hives
from twinset.shell import store

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

Id = tuple[str, str]  # group, canonical key


class HiveFiles:
    """A directory of exported keys."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load(self, wanted: Container[Id]) -> Iterator[tuple[hives.Hive | None, str]]:
        """Yield what is kept of the keys that the configuration names, and what is wrong with a file.

        Of a key that follows no group any more nothing is kept: it must not come back over newer content one day.
        """
        for file in sorted(self._directory.glob("*.json")) if self._directory.is_dir() else ():
            body, damage = store.read_json_object(file)
            try:
                found = None if damage else hives.from_json(body)
            except Refusal as refusal:
                found, damage = None, f"{file}: {refusal}"
            if damage:
                yield None, damage
            elif found is not None and (found.group, found.key) in wanted:
                yield found, ""
            else:
                file.unlink(missing_ok=True)

    def write(self, hive: hives.Hive) -> None:
        """Replace the file of a key durably."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(f"{hive.group}\n{hive.key}".encode()).hexdigest()[:16]
        store.write_json(self._directory / f"{hive.group}-{name}.json", hive.as_json())
