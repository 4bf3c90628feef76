"""pytest-testinfra's eyes in a virtual machine, through the lab's agent: no second way in, no login each time."""

from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from harness.labs.machine import Machine

COMMAND_S = 60.0


class GuestBackend(BaseBackend):  # type: ignore[misc,unused-ignore]
    """Runs what testinfra asks for in a machine of the lab."""

    NAME = "twinset"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine.name)
        self._machine = machine

    def run(self, command: str, *args: str, **_kwargs: Any) -> CommandResult:
        """Run a shell command with quoted arguments."""
        text = self.get_command(command, *args)
        ran = self._machine.run(["sh", "-c", text], check=False, timeout_s=COMMAND_S)
        return self.result(ran.returncode, self.encode(text), ran.stdout.encode(), ran.stderr.encode())


def host(machine: Machine) -> Host:
    """The machine as testinfra shows it."""
    return Host(GuestBackend(machine))
