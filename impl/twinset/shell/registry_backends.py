"""The stores whose keys can follow a group: twinset's own and Samba's registry, behind one face."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

from twinset.errors import StepFailed, TwinsetError
from twinset.resources.registry_key import samba
from twinset.shell import run

if TYPE_CHECKING:
    from pathlib import Path

    from twinset.registry.hive import Content
    from twinset.shell.registry_store import RegistryStore

TOOL_S: Final = 20.0
EXPORT_BYTES_MAX: Final = 1024 * 1024


class Backend(Protocol):
    """A store. What fails raises TwinsetError with the reason."""

    def changed(self) -> bool:
        """False when nothing can have changed since the last look."""

    async def read(self, key: str) -> Content:
        """Return what is under a key, None when there is no such key."""

    async def write(self, key: str, content: Content) -> None:
        """Make everything under a key what was read elsewhere, or change nothing."""


class Plain:
    """The store of twinset itself."""

    def __init__(self, store: RegistryStore) -> None:
        self._store = store
        self._seen: Any = None

    def changed(self) -> bool:
        """Compare the file's stamps."""
        seen, self._seen = self._seen, self._store.signature()
        return bool(seen != self._seen)

    async def read(self, key: str) -> Content:
        """Export the key."""
        return await asyncio.to_thread(lambda: self._store.read().export(key))

    async def write(self, key: str, content: Content) -> None:
        """Replace the key, unless a program holds it open."""
        if isinstance(content, str):
            raise StepFailed(f"{key}: the content is another store's")
        await asyncio.to_thread(self._store.replace, key, content)


class Samba:
    """Samba's registry, by `net registry`. Its exports are files of text."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "samba-key.reg"

    def changed(self) -> bool:
        """Only an export can tell."""
        return True

    async def read(self, key: str) -> Content:
        """Export the key into a file, and return its text."""
        await asyncio.to_thread(self._file.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        outcome = await run.run(samba.export(key, self._file), timeout_s=TOOL_S)
        if not outcome.ok:
            if samba.is_missing(outcome.stdout + outcome.stderr):
                return None
            raise StepFailed(f"Samba's registry: {outcome.reason()}")
        data = await asyncio.to_thread(self._file.read_bytes)
        if len(data) > EXPORT_BYTES_MAX:
            raise StepFailed(f"{key} exports as {len(data)} bytes, at most {EXPORT_BYTES_MAX} are read")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise StepFailed(f"{key}: its export is no text") from None

    async def write(self, key: str, content: Content) -> None:
        """Delete the key and import the file; what was there is put back when that fails."""
        if isinstance(content, dict):
            raise StepFailed(f"{key}: the content is another store's")
        before = await self.read(key)
        try:
            await self._write(key, content, present=before is not None)
        except TwinsetError:
            await self._write(key, before if isinstance(before, str) else None, present=True)
            raise

    async def _write(self, key: str, content: str | None, *, present: bool) -> None:
        if present:
            await run.run(samba.delete(key), timeout_s=TOOL_S)
        if content is not None:
            await asyncio.to_thread(self._file.write_bytes, content.encode())
            await self._tool(samba.restore(self._file))

    async def _tool(self, argv: list[str]) -> None:
        outcome = await run.run(argv, timeout_s=TOOL_S)
        if not outcome.ok:
            raise StepFailed(f"Samba's registry: {outcome.reason()}")
