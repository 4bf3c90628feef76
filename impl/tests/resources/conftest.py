"""A world for resources that records what is run and answers from a script."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from twinset.config.cluster import ClusterConfig
from twinset.errors import StepFailed
from twinset.resources.context import Context
from twinset.shell import store
from twinset.shell.name_service import NameService
from twinset.shell.registry_sync import RegistrySync
from twinset.shell.rip_sender import RipSender
from twinset.shell.run import Result
from twinset.wire.rtnetlink import InterfaceState

Answer = Callable[[Sequence[str]], Result]


def said(stdout: str = "", code: int = 0, stderr: str = "") -> Result:
    """Return what a program left."""
    return Result(("program",), code, stdout, stderr)


@dataclass
class FakeAddresses:
    """Interfaces that keep what is done to them, and a LAN on which some addresses have a holder."""

    held: set[str] = field(default_factory=set)
    up: bool = True
    gone: bool = False
    refusal: str = ""  # of the kernel
    sticks: bool = False  # an address cannot be dropped
    holders: dict[str, str] = field(default_factory=dict)
    did: list[tuple[Any, ...]] = field(default_factory=list)

    def state(self, interface: str) -> InterfaceState:
        if self.gone:
            raise StepFailed(f"interface {interface}: No such device")
        return InterfaceState(self.up, self.up, frozenset(self.held))

    def hold(self, interface: str, address: str, prefix: int, seconds: float) -> None:
        if self.refusal:
            raise StepFailed(f"interface {interface}: {self.refusal}")
        self.did.append(("hold", interface, f"{address}/{prefix}", seconds))
        self.held.add(address)

    def drop(self, interface: str, address: str, prefix: int) -> None:
        self.did.append(("drop", interface, f"{address}/{prefix}"))
        if not self.sticks:
            self.held.discard(address)

    def prepare(self, interface: str, address: str) -> None:
        self.did.append(("prepare", interface, address))

    def abandon(self, interface: str, address: str) -> None:
        self.did.append(("abandon", interface, address))

    async def holder(self, interface: str, address: str) -> str:
        self.did.append(("ask", interface, address))
        return self.holders.get(address, "")

    def announce(self, interface: str, address: str) -> str:
        self.did.append(("announce", interface, address))
        return self.refusal

    def verbs(self) -> list[str]:
        """What was done, in order."""
        return [verb for verb, *_ in self.did]


@dataclass
class FakeSystem:
    """Answers by the first word of the program and, where given, a word among its arguments."""

    answers: dict[str, Answer] = field(default_factory=dict)
    ran: list[list[str]] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    frozen: str = ""
    failed_disk: str = ""
    families: dict[int, list[int]] = field(default_factory=dict)
    lease_s: float = 7.5
    addresses: FakeAddresses = field(default_factory=FakeAddresses)
    names: Any = field(
        default_factory=lambda: Mock(
            spec=NameService, **{"take.return_value": "", "holds.return_value": False}
        )
    )
    routes: Any = field(default_factory=lambda: Mock(spec=RipSender))
    registry: Any = field(default_factory=lambda: Mock(spec=RegistrySync, **{"watches.return_value": False}))

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 60.0,
        env: Mapping[str, str] | None = None,
        output: Path | None = None,
        pid_file: Path | None = None,
    ) -> Result:
        del timeout_s, pid_file
        self.ran.append(list(argv))
        self.environments.append(dict(env or {}))
        if output is not None:
            with output.open("a") as file:
                file.write("said something\n")
        for key, answer in self.answers.items():
            if all(word in argv for word in key.split()):
                return answer(argv)
        return said()

    def spawn(self, argv: Sequence[str], log: Path) -> int:
        self.ran.append([*argv, str(log)])
        return 0

    def is_alive(self, pid: int) -> bool:
        return bool(pid)

    def command_line(self, pid: int) -> tuple[str, ...]:
        return ("program", str(pid))

    def children(self, pid: int) -> list[int]:
        return self.families.get(pid, [])

    async def end_process(self, pid: int, grace_s: float, *, gently: bool = True) -> bool:
        self.ran.append(["end", str(pid), str(grace_s), str(gently)])
        return True

    async def pause(self, seconds: float) -> None:
        self.ran.append(["pause", f"{seconds:g}"])

    def write_json(self, path: Path, value: Any) -> None:
        store.write_json(path, value)

    def read_json(self, path: Path) -> dict[str, Any]:
        return store.read_json_object(path)[0]

    def log(self, name: str, severity: str, fields: Mapping[str, Any]) -> None:
        self.events.append((name, severity, dict(fields)))

    def io_frozen(self, set_name: str) -> str:
        return self.frozen if set_name else ""

    def disk_failed(self, set_name: str) -> bool:
        return self.failed_disk == set_name

    def lease_left_s(self) -> float:
        return self.lease_s

    def programs(self) -> list[str]:
        """The first words of what was run."""
        return [argv[0] for argv in self.ran]


CONFIG = {
    "cluster": {"name": "demo"},
    "server": [{"name": "server1"}, {"name": "server2"}],
    "lan": [
        {
            "name": "public",
            "roles": ("public", "interconnect"),
            "endpoints": (
                {"server": "server1", "interface": "eth0", "address": "10.0.1.1/24"},
                {"server": "server2", "interface": "eth1", "address": "10.0.1.2/24"},
            ),
        }
    ],
    "group": [
        {
            "name": "db",
            "policy": ("server1", "server2"),
            "mirror_disk": ({"set": "set1", "mounts": ({"letter": "E", "path": "/mnt/db"},)},),
            "floating_ip": ({"address": "10.0.1.100"},),
            "script": ({"start": "/start", "stop": "/stop", "timeout_s": 3.0},),
        }
    ],
}


@pytest.fixture
def system() -> FakeSystem:
    """Return the recording world."""
    return FakeSystem()


@pytest.fixture
def answer() -> Callable[..., Answer]:
    """Return a maker of answers: the same one for every call."""

    def make(stdout: str = "", code: int = 0, stderr: str = "") -> Answer:
        return lambda _: said(stdout, code, stderr)

    return make


@pytest.fixture
def make_context(system: FakeSystem, tmp_path: Path) -> Callable[..., Context]:
    """Return a maker of contexts of the group db on server1."""

    def make(config: dict[str, Any] | None = None, **changes: Any) -> Context:
        model = ClusterConfig.model_validate(config or CONFIG, strict=False)
        values = {
            "system": system,
            "config": model,
            "me": "server1",
            "group": model.groups[0],
            "index": 0,
            "run_dir": tmp_path,
            "state_dir": tmp_path,
            **changes,
        }
        return Context(**values)

    return make
