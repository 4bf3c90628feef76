"""The world as the resources see it (`resources.context.System`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.shell import clock, run, store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from twinset.resources.context import Addresses, Names, Registry, Routes


class LocalSystem:
    """Programs, processes and files of this server."""

    def __init__(
        self,
        log: Callable[[str, str, Mapping[str, Any]], None],
        io_frozen: Callable[[str], str],
        disk_failed: Callable[[str], bool],
        lease_left_s: Callable[[], float],
        addresses: Addresses,
        names: Names,
        registry: Registry,
        routes: Routes,
    ) -> None:
        self._log = log
        self._addresses = addresses
        self._names = names
        self._registry = registry
        self._routes = routes
        self._io_frozen = io_frozen
        self._disk_failed = disk_failed
        self._lease_left_s = lease_left_s

    @property
    def addresses(self) -> Addresses:
        """The addresses of this server's interfaces."""
        return self._addresses

    @property
    def names(self) -> Names:
        """The NetBIOS name service."""
        return self._names

    @property
    def routes(self) -> Routes:
        """The announced routes."""
        return self._routes

    @property
    def registry(self) -> Registry:
        """The registry keys."""
        return self._registry

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 60.0,
        env: Mapping[str, str] | None = None,
        output: Path | None = None,
        pid_file: Path | None = None,
    ) -> run.Result:
        """Run a program to its end."""
        return await run.run(argv, timeout_s=timeout_s, env=env, output=output, pid_file=pid_file)

    def spawn(self, argv: Sequence[str], log: Path, *, protected: bool = True) -> int:
        """Start a program that outlives the daemon; one on the write-back path is protected."""
        return run.spawn_detached(argv, log, protected=protected, ordinary=not protected)

    def is_alive(self, pid: int) -> bool:
        """True while the process runs."""
        return run.is_alive(pid)

    def command_line(self, pid: int) -> tuple[str, ...]:
        """Return the arguments of a process."""
        return run.command_line(pid)

    def children(self, pid: int) -> list[int]:
        """Return the processes that a process has started and that run."""
        return run.children(pid)

    async def end_process(self, pid: int, grace_s: float, *, gently: bool = True) -> bool:
        """End a process by its id."""
        return await run.end_process(pid, grace_s, gently=gently)

    async def pause(self, seconds: float) -> None:
        """Wait."""
        await clock.pause(seconds)

    def write_json(self, path: Path, value: Any) -> None:
        """Replace a JSON file durably."""
        store.write_json(path, value)

    def read_json(self, path: Path) -> dict[str, Any]:
        """Return the object in a file."""
        return store.read_json_object(path)[0]

    def log(self, name: str, severity: str, fields: Mapping[str, Any]) -> None:
        """Write an entry of the event log."""
        self._log(name, severity, fields)

    def io_frozen(self, set_name: str) -> str:
        """Return why I/O to a mirror set cannot end now."""
        return self._io_frozen(set_name)

    def disk_failed(self, set_name: str) -> bool:
        """True when this server's disk of a mirror set has failed."""
        return self._disk_failed(set_name)

    def lease_left_s(self) -> float:
        """Return for how long this server may still act."""
        return self._lease_left_s()
