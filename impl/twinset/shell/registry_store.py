"""The plain store of registry keys: one JSON file of this server, and the keys that programs hold open (6.2.7).

Readers need no lock, because the file is replaced as a whole; who changes it holds `lock`. A program that must not
have a key changed under it holds it open: a file in `open/` that names the key, locked for as long as it lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from typing import TYPE_CHECKING, Final, TypeVar

from twinset.errors import Refusal, StepFailed
from twinset.guide.names import registry_overlap
from twinset.registry.tree import Export, Tree, checked_key
from twinset.shell import store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HELD_MAX: Final = 256
KEY_BYTES_READ: Final = 4096

Answer = TypeVar("Answer")


class RegistryStore:
    """The store in a directory; nothing is kept in memory, programs and daemon see the same."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = directory / "store.json"
        self._open = directory / "open"

    def signature(self) -> tuple[int, ...]:
        """Return what differs after every change."""
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def read(self) -> Tree:
        """Return everything; StepFailed when the file is damaged."""
        body, damage = store.read_json_object(self._file)
        try:
            if not damage:
                return Tree(body)
        except Refusal as refusal:
            damage = f"{self._file}: {refusal}"
        raise StepFailed(damage)

    def change(self, work: Callable[[Tree], Answer]) -> Answer:
        """Change the store durably, as a whole or not at all; return what the work returned."""
        with self._locked():
            return self._change(work)

    def replace(self, key: str, content: Export | None) -> None:
        """Make everything under a key what an export says; StepFailed while a program holds it open."""
        with self._locked():
            holders = self._holders(key)
            if holders:
                raise StepFailed(f"{key} is open: {'; '.join(holders)} [6.2.7-06]")
            self._change(lambda tree: tree.replace(key, content))

    @contextlib.contextmanager
    def held(self, key: str, by: str) -> Iterator[None]:
        """Hold a key open."""
        key = checked_key(key)
        with self._locked():
            if sum(1 for _ in self._open.iterdir()) >= HELD_MAX:
                raise Refusal("E_LIMIT", f"{HELD_MAX} keys are held open", "6.2.7-06")
            file = self._open / secrets.token_hex(8)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, json.dumps([key, by]).encode())
        try:
            yield
        finally:
            file.unlink(missing_ok=True)
            os.close(descriptor)

    def _holders(self, key: str) -> list[str]:
        """Return who holds the key, one above it or one in it; forget those that are gone."""
        found = []
        for file in self._open.iterdir():
            descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held, by = json.loads(os.read(descriptor, KEY_BYTES_READ))
                if registry_overlap(held, key):
                    found.append(f"{held} by {by}")
            else:
                file.unlink(missing_ok=True)
            finally:
                os.close(descriptor)
        return found

    def _change(self, work: Callable[[Tree], Answer]) -> Answer:
        tree = self.read()
        answer = work(tree)
        text = json.dumps(tree.as_json(), indent=1, sort_keys=True) + "\n"
        if len(text.encode()) > store.FILE_BYTES_MAX:
            raise Refusal("E_LIMIT", f"the store would exceed {store.FILE_BYTES_MAX} bytes", "6.2.7-07")
        store.write_atomic(self._file, text)
        return answer

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._open.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
