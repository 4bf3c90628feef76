"""Two servers with registry keys, each with its own files, joined by a link that can be cut."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from twinset.config.cluster import ClusterConfig
from twinset.shell import registry_sync as module
from twinset.shell.paths import Paths
from twinset.shell.registry_store import RegistryStore
from twinset.shell.registry_sync import RegistrySync

KEY = "HKLM\\SOFTWARE\\Acme"
CONFIG = ClusterConfig.model_validate(
    {
        "cluster": {"name": "demo"},
        "server": [{"name": "s1"}, {"name": "s2"}],
        "lan": [],
        "group": [{"name": "db", "policy": ["s1", "s2"], "registry_key": [{"key": KEY}]}],
    },
    strict=False,
)


class Server:
    """One server: its store, its keys, its event log."""

    def __init__(self, directory: Path) -> None:
        self.paths = Paths(directory / "etc", directory / "state", directory / "run")
        self.paths.create()
        self.store = RegistryStore(self.paths.registry)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.peer: Server | None = None
        self.run = 0
        self.sent: list[dict[str, Any]] = []
        self.power_on()

    def power_on(self) -> None:
        self.run += 1
        self.keys = RegistrySync(CONFIG, self.paths, self.log, self.send, self.link, Mock())

    def log(self, name: str, _severity: str, fields: Any) -> None:
        self.events.append((name, dict(fields)))

    def link(self) -> str:
        return "" if self.peer is None else str(self.peer.run)

    def send(self, body: dict[str, Any]) -> bool:
        self.sent.append(body)
        if self.peer is not None:
            asyncio.get_running_loop().call_soon(self.peer.keys.receive, body)
        return self.peer is not None

    def set(self, number: int) -> None:
        self.store.change(lambda tree: tree.set(KEY, "Port", ("dword", number)))

    @property
    def port(self) -> int | None:
        found = self.store.read().export(KEY)
        return None if found is None else found[""]["Port"][1]

    @property
    def row(self) -> dict[str, Any]:
        return self.keys.status()[0]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


Play = Callable[[Callable[[Server, Server], Awaitable[None]]], None]


def join(one: Server, two: Server) -> None:
    one.peer, two.peer = two, one


def cut(one: Server, two: Server) -> None:
    one.peer = two.peer = None


def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Return what plays a scenario on two connected servers, with little patience."""
    monkeypatch.setattr(module, "POLL_S", 0.01)
    monkeypatch.setattr(module, "ANSWER_S", 0.3)

    def run(work: Callable[[Server, Server], Awaitable[None]]) -> None:
        async def scenario() -> None:
            one, two = Server(tmp_path / "s1"), Server(tmp_path / "s2")
            join(one, two)
            for each in (one, two):
                each.keys.start()
            try:
                await work(one, two)
            finally:
                for each in (one, two):
                    await each.keys.stop()

        asyncio.run(scenario())

    return run
