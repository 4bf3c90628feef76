"""The two things that ARMLOAD starts: a program, as processes of this server, and a service, as a systemd unit."""

from __future__ import annotations

import asyncio
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from twinset.errors import Refusal
from twinset.monitoring import services
from twinset.resources.script.plan import NOT_INHERITED
from twinset.shell import clock, power, process_family, run
from twinset.shell.paths import TOKEN_VARIABLE

if TYPE_CHECKING:
    from twinset.monitoring.loaded import Loaded

LOOK_S: Final = 5.0  # at a service's state: at most this late is a fault noticed
SYSTEMCTL_S: Final = 90.0


class Target(Protocol):
    """What is watched. `loaded` is kept up to date by it."""

    status: int | None  # how a program ended last, where that is known

    async def start(self) -> None:
        """Start it; Refusal E_LAUNCH says why it could not be started."""

    async def fault(self) -> str:
        """Wait until it faults; return how."""

    async def remains(self) -> bool:
        """True while anything of it lives."""

    async def end(self, grace_s: float) -> str:
        """End all of it; return what is left, "" when nothing is."""


class Program:
    """A program with all its descendants."""

    def __init__(self, loaded: Loaded, log: Path) -> None:
        self.loaded = loaded
        self.status: int | None = None
        self._log = log

    async def start(self) -> None:
        """Start it in a session of its own; its output goes to the end of its log."""
        order = self.loaded.order
        identity = None if not order.user else await asyncio.to_thread(identity_of, order.user)
        environment = {name: value for name, value in order.environment.items() if name not in NOT_INHERITED}
        if identity is not None:
            environment |= {"HOME": identity.home, "USER": identity.name, "LOGNAME": identity.name}
        elif TOKEN_VARIABLE in os.environ:  # it may use the script commands, as the script that loaded it
            environment[TOKEN_VARIABLE] = os.environ[TOKEN_VARIABLE]
        environment[process_family.MARK] = self.loaded.mark
        self.status = None
        try:
            pid = run.spawn_detached(
                order.argv,
                self._log,
                environment,
                ordinary=True,
                directory=Path(order.directory),
                identity=identity,
            )
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise Refusal("E_LAUNCH", f"{order.argv[0]} cannot be started: {said}", "6.3-07") from None
        self.loaded.pid, self.loaded.ticks = pid, process_family.start_ticks(pid)

    def adopt(self) -> None:
        """Find the process that an earlier twinsetd started: it may have died before it could write the pid."""
        if not self.loaded.pid:
            self.loaded.pid, self.loaded.ticks = process_family.leader_of(self.loaded.mark)

    async def fault(self) -> str:
        """The loss of the process is the fault, whatever its status (6.3-09)."""
        pid = self.loaded.pid
        if not process_family.is_same(pid, self.loaded.ticks):
            self.status = run.reap(pid) if pid else None
            return _ended(self.status)
        await run.wait_gone(pid)
        self.status = run.reap(pid)
        return _ended(self.status)

    async def remains(self) -> bool:
        """True while a process that came from it runs: it may have gone into the background."""
        loaded = self.loaded
        return bool(await asyncio.to_thread(process_family.members, loaded.mark, loaded.pid, loaded.ticks))

    async def end(self, grace_s: float) -> str:
        """SIGTERM, after the grace SIGKILL, to the program and all that came from it."""
        loaded = self.loaded
        left = await process_family.end(loaded.mark, loaded.pid, loaded.ticks, grace_s)
        if loaded.pid:
            run.reap(loaded.pid)
        loaded.pid = loaded.ticks = 0
        return f"processes {', '.join(map(str, left))}" if left else ""


class Service:
    """A unit of systemd."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.status: int | None = None
        self._unit = loaded.order.argv[0]
        self._begun = False

    async def start(self) -> None:
        """Start the unit, anew when it has been started before."""
        if not power.systemd_runs():
            raise Refusal(
                "E_UNSUPPORTED",
                f"service {self._unit}: systemd does not run on this server",
                "6.3-10",
                "ARMLOAD without /S",
            )
        outcome = await self._act("restart" if self._begun else "start")
        if not outcome.ok:
            raise Refusal("E_LAUNCH", f"service {self._unit} cannot be started: {outcome.reason()}", "6.3-10")
        self._begun = True

    async def fault(self) -> str:
        """Look at its state from time to time (6.3-10)."""
        self._begun = True
        while True:
            outcome = await run.run(services.show(self._unit), timeout_s=SYSTEMCTL_S)
            state = services.parse(outcome.stdout) if outcome.ok else None
            if state is not None and state.fault:
                return state.fault
            await clock.pause(LOOK_S)

    async def remains(self) -> bool:
        """A unit that is not active leaves nothing: systemd sees to that."""
        return False

    async def end(self, grace_s: float) -> str:
        """Stop the unit; systemd has its own way from SIGTERM to SIGKILL."""
        if not power.systemd_runs():
            return ""
        outcome = await self._act("stop", max(grace_s, SYSTEMCTL_S))
        return "" if outcome.ok else f"service {self._unit}: {outcome.reason()}"

    async def _act(self, verb: str, timeout_s: float = SYSTEMCTL_S) -> run.Result:
        return await run.run(services.act(verb, self._unit), timeout_s=timeout_s)


def identity_of(user: str) -> run.Identity:
    """Return who a user is on this server; Refusal E_DENIED when it is nobody (2.2.2.3-16)."""
    try:
        entry = pwd.getpwnam(user)
        groups = tuple(os.getgrouplist(user, entry.pw_gid))
    except (KeyError, ValueError, OSError):
        raise Refusal("E_DENIED", f"user {user} does not exist on this server", "2.2.2.3-16") from None
    return run.Identity(entry.pw_name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir)


def _ended(status: int | None) -> str:
    if status is None:
        return "its process is gone"
    return f"it ended with status {status}" if status >= 0 else f"it was killed by signal {-status}"
