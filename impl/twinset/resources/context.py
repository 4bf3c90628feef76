"""What a resource gets from the daemon. Resources never import the shell: `System` is their world."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from twinset.config.cluster import ClusterConfig, Group
    from twinset.resources.virtual_computer_name.plan import Place
    from twinset.resources.virtual_ip.plan import Place as Routed
    from twinset.wire.rtnetlink import InterfaceState


class Outcome(Protocol):
    """How a program ended."""

    @property
    def code(self) -> int:
        """Its exit status; -1 when it could not be started or was killed."""

    @property
    def ok(self) -> bool:
        """True when it ended by itself with status 0."""

    @property
    def timed_out(self) -> bool:
        """True when it was killed because its time was over."""

    @property
    def stdout(self) -> str:
        """What it said."""

    @property
    def stderr(self) -> str:
        """What it complained about."""

    def reason(self) -> str:
        """One line for a human."""


class Names(Protocol):
    """The NetBIOS name service of this server; `shell.name_service.NameService` is the real one."""

    def prepare(self, key: str, place: Place) -> None:
        """Begin to claim a name by broadcast; nothing happens when it is held or being claimed."""

    def abandon(self, key: str) -> None:
        """Claim a name no longer; fine when it is not being claimed."""

    async def take(self, key: str, place: Place) -> str:
        """Hold the name from now on; return who objects, "" when nobody does."""

    def resume(self, key: str, place: Place) -> None:
        """Hold a name that was held before, at once."""

    async def release(self, key: str) -> None:
        """Give a name back; fine when it is not held."""

    def holds(self, key: str) -> bool:
        """True while the name is served."""


class Addresses(Protocol):
    """The addresses of this server's interfaces; `shell.addresses.Addresses` is the real one."""

    def state(self, interface: str) -> InterfaceState:
        """Return flags and addresses of an interface; StepFailed when there is none of that name."""

    def hold(self, interface: str, address: str, prefix: int, seconds: float) -> None:
        """Add an address or renew it, for so many seconds; StepFailed when the kernel refuses."""

    def drop(self, interface: str, address: str, prefix: int) -> None:
        """Take an address away; fine when it is gone."""

    def prepare(self, interface: str, address: str) -> None:
        """Begin to ask the LAN who has an address; nothing happens when it is being asked."""

    def abandon(self, interface: str, address: str) -> None:
        """Ask no longer who has an address; fine when nobody is asked."""

    async def holder(self, interface: str, address: str) -> str:
        """Return the hardware address of the host that has the address, "" when nobody has."""

    def announce(self, interface: str, address: str) -> str:
        """Tell the LAN where the address is; return "" or why that was not possible."""


class Registry(Protocol):
    """The registry keys of this server's groups; `shell.registry_sync.RegistrySync` is the real one."""

    async def begin(self, group: str, key: str) -> None:
        """Restore the last version, then watch the key."""

    async def end(self, group: str, key: str) -> None:
        """Send the last version, watch no longer; fine when it is not watched."""

    def watches(self, group: str, key: str) -> bool:
        """True while the key is in care."""

    def resume(self, group: str, key: str) -> None:
        """Watch a key that a former daemon watched."""


class Routes(Protocol):
    """The routes that this server announces; `shell.rip_sender.RipSender` is the real one."""

    def announce(self, place: Routed) -> None:
        """Announce the route to an address from now on; nothing happens when it is announced."""

    async def withdraw(self, place: Routed) -> None:
        """Say that the route is gone."""


class System(Protocol):
    """The world as a resource may touch it; `shell.system.LocalSystem` is the real one."""

    @property
    def addresses(self) -> Addresses:
        """The addresses of this server's interfaces."""

    @property
    def names(self) -> Names:
        """The NetBIOS name service."""

    @property
    def routes(self) -> Routes:
        """The announced routes."""

    @property
    def registry(self) -> Registry:
        """The registry keys."""

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 60.0,
        env: Mapping[str, str] | None = None,
        output: Path | None = None,
        pid_file: Path | None = None,
    ) -> Outcome:
        """Run a program to its end."""

    def spawn(self, argv: Sequence[str], log: Path, *, protected: bool = True) -> int:
        """Start a program that outlives the daemon; return its pid. Protected: it serves a disk to the kernel."""

    def is_alive(self, pid: int) -> bool:
        """True while the process runs."""

    def command_line(self, pid: int) -> tuple[str, ...]:
        """Return the arguments of a process; empty when it is gone."""

    def children(self, pid: int) -> list[int]:
        """Return the processes that a process has started and that run."""

    async def end_process(self, pid: int, grace_s: float, *, gently: bool = True) -> bool:
        """End a process by its id; True when it is gone."""

    async def pause(self, seconds: float) -> None:
        """Wait."""

    def write_json(self, path: Path, value: Any) -> None:
        """Replace a JSON file durably."""

    def read_json(self, path: Path) -> dict[str, Any]:
        """Return the object in a file; empty when there is none."""

    def log(self, name: str, severity: str, fields: Mapping[str, Any]) -> None:
        """Write an entry of the event log."""

    def io_frozen(self, set_name: str) -> str:
        """Return why I/O to a mirror set cannot end now; "" when it can."""

    def disk_failed(self, set_name: str) -> bool:
        """True when this server's disk of a mirror set has failed, so that the other one has to serve (8.4-01)."""

    def lease_left_s(self) -> float:
        """Return for how long this server may still act as a member of the cluster."""


@dataclass(frozen=True)
class Context:
    """One resource of one group on this server."""

    system: System
    config: ClusterConfig
    me: str
    group: Group
    index: int  # inside its kind
    run_dir: Path
    state_dir: Path
    time_scale: float = 1.0
    environment: Mapping[str, str] = field(default_factory=dict)  # ARMS_*, for scripts
    running: bool = False  # an earlier daemon of this boot had started it already

    def scaled(self, seconds: float, floor_s: float = 0.0) -> float:
        """Return a duration after the time scale, but no less than the floor."""
        return max(floor_s, seconds * self.time_scale)


class Resource(Protocol):
    """One kind of resource. Every step is idempotent; a step that does not succeed raises StepFailed."""

    async def start(self, ctx: Context) -> None:
        """Bring it up; fine when it is up already."""

    async def stop(self, ctx: Context) -> None:
        """Take it down; fine when it is down already. Leaves nothing, also when it raises."""

    async def check(self, ctx: Context) -> None:
        """Return when it is up; raise StepFailed with what is wrong."""
