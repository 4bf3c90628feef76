"""Faults beside cuts: of the port's own software, too little memory, a power cut inside an operation."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from harness.adapters.lines import FAILED, UNSUPPORTED, Answer
from harness.errors import LabError
from harness.faults.memory import MemoryGroup
from harness.labs import services
from harness.labs.choice import AnyLab, AnyServer
from harness.labs.namespaces import Lab
from harness.labs.server import Server

PROGRAMS = ("twinsetd", "twinset-mirrord")
SERVICES = (sys.executable, "-m", services.MODULE)


def end_software(server: AnyServer) -> None:
    """The daemons end, and nobody starts them again before the server's next start."""
    if not isinstance(server, Server):
        raise Answer(UNSUPPORTED, "systemd of a virtual machine starts a daemon again")
    server.release_daemon()
    for program in PROGRAMS:
        with contextlib.suppress(LabError):  # without a mirror set there is no mirror process
            server.kill_program(program)


@contextlib.contextmanager
def under_way(server: AnyServer, verb: str, arguments: dict[str, Any]) -> Iterator[None]:
    """Within, an operation was given to a server and is not answered."""
    if not isinstance(server, Server):
        raise Answer(UNSUPPORTED, "a virtual machine is asked by an agent that waits for the answer")
    try:
        asked = server.ask(verb, **arguments)
    except OSError as error:
        raise Answer(FAILED, f"{server.name} cannot be asked: {error}") from error
    with asked:
        yield


class Memory:
    """Servers that have less memory than their machine."""

    def __init__(self) -> None:
        self._groups: list[MemoryGroup] = []

    def power_on(self, lab: AnyLab, server: AnyServer, memory_mib: int) -> None:
        """Start a server whose daemon, and all that this starts, get no more memory than that."""
        if not (isinstance(lab, Lab) and isinstance(server, Server)):
            raise Answer(UNSUPPORTED, "the memory of a virtual machine is that of its definition")
        group = MemoryGroup()
        self._groups.append(group)
        group.limit(memory_mib << 20)
        lab.power_on(server, group.argv)

    def remove(self) -> None:
        """The limits go, with the processes that were under them or after those."""
        while self._groups:
            self._groups.pop().remove()
