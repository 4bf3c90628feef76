"""What the core asked to be remembered: `daemon.json`, durable before anything that depends on it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from twinset.shell import store

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


class MemoryStore:
    """Key and value; one thread writes, so that a slow system disk does not stall the daemon's loop."""

    def __init__(self, path: Path, digest: str, ancestors: Collection[str] = ()) -> None:
        """Read what is there: of this configuration, or of one from which it was made; another's is worth nothing."""
        self._path = path
        self._digest = digest
        body, self.damage = store.read_json_object(path)
        values = body.get("values")
        known = body.get("config") in (digest, *ancestors) and isinstance(values, dict)
        self.values: dict[str, Any] = dict(values) if known and isinstance(values, dict) else {}
        self._thread = ThreadPoolExecutor(1, "memory")

    async def save(self, changes: dict[str, Any]) -> None:
        """Make the changes durable."""
        self.values.update(changes)
        content = {"config": self._digest, "values": self.values}
        await asyncio.get_running_loop().run_in_executor(self._thread, store.write_json, self._path, content)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True)
