"""Two servers that exchange configurations, in one process: real files, lines of queues, and a place to cut them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from twinset.errors import ProtocolError, Refusal
from twinset.shell import control_channel
from twinset.shell.configure import Configure
from twinset.shell.paths import Paths
from twinset.wire.keyring import Keyring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

KEY = Keyring(b"k" * 32)


def text(disk: str) -> str:
    """A configuration that breaks no rule."""
    lines = ['format = 1\n[cluster]\nname = "demo"']
    lines += [f'[[server]]\nname = "{name}"' for name in ("server1", "server2")]
    for number, (name, roles) in enumerate(
        [("public", '["public", "interconnect"]'), ("ic1", '["interconnect", "mirror"]')]
    ):
        ends = ", ".join(
            f'{{server="server{server}", interface="{name}", address="10.0.{number}.{server}/24"}}'
            for server in (1, 2)
        )
        lines.append(f'[[lan]]\nname = "{name}"\nroles = {roles}\nendpoints = [ {ends} ]')
    disks = ", ".join(f'{{server="server{server}", path="{disk}"}}' for server in (1, 2))
    lines.append(f'[[mirror_set]]\nname = "set1"\ndisks = [ {disks} ]')
    lines.append('partitions = [ {number=2, letter="E"} ]')
    lines.append('[[group]]\nname = "db"\npolicy = ["server1", "server2"]')
    lines.append('[[group.mirror_disk]]\nset = "set1"\nmounts = [ {letter="E", path="/mnt/db"} ]')
    return "\n".join(lines) + "\n"


def make_disk(path: Path, table: Any, number: int = 2) -> None:
    """A disk that can be a mirror disk, with a data partition of that number."""
    entries = [(0x7F, 2048, 2048), *[None] * (number - 2), (0x83, 8192, 8192)]
    path.write_bytes(table(*entries).ljust(8 << 20, b"\0"))


class Server:
    """The exchange on one server."""

    def __init__(self, directory: Path, name: str) -> None:
        self.paths = Paths(directory / name / "etc", directory / name / "state", directory / name / "run")
        self.paths.create()
        self.name = name
        self.why_not = ""
        self.commits = 0
        self.boot()

    def boot(self) -> None:
        """Begin anew with what is durable."""
        self.configure = Configure(
            self.paths, self.name, self._judge, self._committed, self._networks, self._networks
        )

    async def _judge(self, _old: Any, _new: Any, _live: bool) -> None:
        if self.why_not:
            raise Refusal("E_STATE", self.why_not)

    async def _networks(self, *_: Any) -> None:
        """The addresses of the test's configuration are on no machine."""

    def _committed(self) -> None:
        self.commits += 1

    def left(self) -> list[str]:
        return sorted(entry.name for entry in self.paths.state.iterdir() if entry.is_file())


class Line:
    """A channel whose other end is a server in the same process. `passes` is told of each frame before it goes."""

    def __init__(self, server: Server, passes: Callable[[str], None] = lambda _: None) -> None:
        self.to_server: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.to_client: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.hello = control_channel.hello("configure", server.name, "b" * 32)
        self.server, self.passes = server, passes
        self.serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        try:
            await self.server.configure.serve(_End(self))  # type: ignore[arg-type]
        finally:
            self.to_client.put_nowait(None)

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        while (frame := await self.to_client.get()) is not None:
            yield frame

    def send(self, frame: dict[str, Any]) -> None:
        if self.serving.done():
            raise ProtocolError("closed")
        self.passes(f"asks {frame.get('t')}")
        self.to_server.put_nowait(frame)

    def close(self) -> None:
        self.to_server.put_nowait(None)


class _End:
    def __init__(self, line: Line) -> None:
        self._line = line

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        while (frame := await self._line.to_server.get()) is not None:
            yield frame

    def send(self, frame: dict[str, Any]) -> None:
        self._line.passes(f"answers {frame.get('t')}")
        self._line.to_client.put_nowait(frame)

    async def drained(self) -> None:
        """Nothing to wait for."""
