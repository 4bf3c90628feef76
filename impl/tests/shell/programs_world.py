"""A server with programs of ARMLOAD, over a cluster that answers what the test says."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from twinset.monitoring.loaded import Order
from twinset.shell import program_targets, store
from twinset.shell import programs as module
from twinset.shell.paths import Paths
from twinset.shell.programs import Programs

if TYPE_CHECKING:
    from twinset.errors import Refusal

SLEEP = ("sleep", "1000")


class World:
    """One server; the cluster answers what the test says."""

    def __init__(self, directory: Path) -> None:
        self.paths = Paths(directory / "etc", directory / "state", directory / "run")
        self.paths.create()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.refusal: Refusal | None = None
        self.bugs: list[str] = []
        self.answer: Callable[[], Awaitable[None]] | None = None
        self.programs = self.new_daemon()

    def new_daemon(self) -> Programs:
        return Programs(
            self.paths,
            lambda name, _, fields: self.events.append((name, dict(fields))),
            self._request,
            lambda reason: self._request("down", {"reason": reason}),
            lambda where, _: self.bugs.append(where),
        )

    async def _request(self, verb: str, args: Mapping[str, Any]) -> None:
        self.asked.append((verb, dict(args)))
        if self.refusal is not None:
            raise self.refusal
        if self.answer is not None:
            await self.answer()

    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.asked]

    def count(self, event: str) -> int:
        return [name for name, _ in self.events].count(event)

    def pid(self, watch: str = "W1") -> int:
        return next((row["pid"] for row in self.programs.list() if row["watch"] == watch), 0)

    async def load(self, *argv: str, watch: str = "W1", group: str = "db", **changes: Any) -> dict[str, Any]:
        fields = {"environment": dict(os.environ), **changes}
        return await self.programs.load(Order(watch, group, argv or SLEEP, **fields))


def player(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[World], Awaitable[None]]], None]:
    """Return what plays a scenario: nothing waits for long, and afterwards nothing is left."""
    monkeypatch.setattr(module, "RESTART_PAUSE_S", 0.0)
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    monkeypatch.setattr(program_targets, "LOOK_S", 0.01)

    def play(work: Callable[[World], Awaitable[None]]) -> None:
        async def run_it() -> None:
            world = World(tmp_path)
            world.programs.start({"db"})
            try:
                await work(world)
            finally:
                await world.programs.close("db")
                await world.programs.stop()
            assert world.bugs == []
            assert store.read_json_object(world.paths.programs)[0].get("loaded", []) == []

        asyncio.run(run_it())

    return play
