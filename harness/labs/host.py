"""One machine of a lab: its power, its programs, its pauses."""

import contextlib
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import LabError
from harness.labs import processes, services
from harness.labs.asking import Job
from harness.labs.state import ProcessMark
from harness.run import PIPE, Process, Result, kill_group, popen, run
from harness.wait import wait_for

INIT = Path(__file__).with_name("init.py")
NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")
# The programs of the distribution under test: beside the interpreter that runs the harness.
PROGRAMS = Path(sys.executable).parent
POWER_CUT_S = 30.0
INHERITED = ("PYTHONPATH",)  # another tree than the installed one
MODULES = {"twinsetd": "twinset.shell.daemon", "twinset-mirrord": "twinset.shell.mirrord"}


def environment(
    run_id: str, extra: Mapping[str, str] | None = None, programs: Path = PROGRAMS
) -> dict[str, str]:
    """What every program of a lab sees; of the caller's own only what names the code under test."""
    own = INHERITED if programs == PROGRAMS else ()
    inherited = {name: os.environ[name] for name in own if name in os.environ}
    return {
        **inherited,
        "PATH": f"{services.PROGRAMS}:{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "TERM": os.environ.get("TERM", "dumb"),
        processes.RUN_MARK: run_id,
        **(extra or {}),
    }


@dataclass
class Init:
    """A running PID 1 and the socket that it takes orders on."""

    socket_path: Path
    launcher: Process | None = None
    mark: ProcessMark | None = None
    _connection: socket.socket | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The pid as seen from outside."""
        if self.mark is None:
            raise LabError(f"{self.socket_path.parent.name} has no power")
        return self.mark.pid

    @property
    def alive(self) -> bool:
        """True while it runs."""
        return self.mark is not None and self.mark.alive

    def launch(
        self, enter: Sequence[str], spec: Mapping[str, Any], env: Mapping[str, str], log: Path
    ) -> None:
        """Start it in namespaces of its own, inside those that ``enter`` leads to."""
        self.socket_path.unlink(missing_ok=True)
        unshare = ["unshare", *NAMESPACES, "--fork", "--propagation", "private", "--"]
        body = json.dumps({**spec, "socket": str(self.socket_path)})
        with log.open("a") as output:
            self.launcher = popen(
                [*enter, *unshare, sys.executable, "-I", "-S", str(INIT), body],
                stdout=output,
                stderr=output,
                env=env,
                cwd="/",
            )
        wait_for(lambda: self._connect(log), 20, f"{spec['name']} to come up", poll_s=0.005)

    def _connect(self, log: Path) -> bool:
        if self.launcher is not None and self.launcher.poll() is not None:
            raise LabError(
                f"no namespaces for {self.socket_path.parent.name}: {log.read_text().strip()[-1000:]}"
            )
        with contextlib.suppress(OSError):
            self.attach()
            return True
        return False

    def attach(self) -> None:
        """Connect; the kernel names the process at the other end, in the pids of this side."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.connect(str(self.socket_path))
            pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            self.mark = ProcessMark.of(pid)
        except (OSError, LabError):
            connection.close()
            raise
        connection.settimeout(30)
        self._connection = connection

    def order(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Give an order, return the answer."""
        if self._connection is None:
            self.attach()
        if self._connection is None:
            raise LabError("not connected")
        self._connection.send(json.dumps({"verb": verb, **arguments}).encode())
        answer: dict[str, Any] = json.loads(self._connection.recv(1 << 16))
        if not answer.get("ok"):
            raise LabError(f"PID 1 refused {verb}: {answer.get('error')}")
        return answer

    def kill(self) -> None:
        """Kill it, and by that everything in its PID namespace; return when all is gone."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self.mark is not None and self.mark.alive:
            os.kill(self.mark.pid, signal.SIGKILL)
        if self.mark is not None:
            mark = self.mark
            wait_for(
                lambda: not mark.alive and not processes.in_namespace_of(mark.pid),
                POWER_CUT_S,
                "death",
                poll_s=0.005,
            )
        if self.launcher is not None:
            with contextlib.suppress(Exception):
                self.launcher.wait(5)
            kill_group(self.launcher)
        self.launcher, self.mark = None, None


def abort_fuse(devices: set[int], keeper_pid: int) -> None:
    """The last resort against a hang: abort FUSE connections whose server process is stuck.

    Through the keeper: the dying host's own PID 1 has no root directory any more.
    """
    for device in devices:
        path = f"/sys/fs/fuse/connections/{os.minor(device)}/abort"
        with contextlib.suppress(OSError):
            Path(f"/proc/{keeper_pid}/root{path}").write_text("1")


@dataclass(frozen=True)
class LocalJob(Job):
    """A program in the background on a host of namespaces."""

    process: Process
    log: Path

    def output(self) -> str:
        """All that it has printed."""
        return self.log.read_text(errors="replace")

    @property
    def ended(self) -> bool:
        """True once it has gone."""
        return self.process.poll() is not None

    def stop(self) -> None:
        """End it and what it started."""
        kill_group(self.process)


class Host:
    """A machine of the lab. Servers are ``Server``s, which also have a disk and a daemon."""

    def __init__(self, name: str, directory: Path, run_id: str, role: str) -> None:
        self.name = name
        self.role = role
        self.directory = directory
        self.run_id = run_id
        self.init = Init(directory / "init.sock")
        self._jobs = 0
        self.keeper_pid = 0  # whose namespaces this host lies in, while it has power
        for part in ("etc", "state", "log"):
            (directory / part).mkdir(parents=True, exist_ok=True)

    @property
    def powered(self) -> bool:
        """True while the machine runs (also when paused)."""
        return self.init.alive

    @property
    def env(self) -> dict[str, str]:
        """The environment of programs on this machine."""
        return environment(self.run_id)

    def boot(self, keeper_pid: int) -> None:
        """Start the machine's PID 1 in fresh namespaces."""
        if self.powered:
            raise LabError(f"{self.name} has power already")
        self.keeper_pid = keeper_pid
        binds = {
            "/etc/twinset": str(self.directory / "etc"),
            "/var/lib/twinset": str(self.directory / "state"),
        }
        spec = {"role": self.role, "name": self.name, "binds": binds}
        enter = ["nsenter", "--target", str(keeper_pid), *NAMESPACES, "--"]
        self.init.launch(enter, spec, self.env, self.directory / "log" / "init.log")

    def argv(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` on this machine."""
        return ["nsenter", "--target", str(self.init.pid), *NAMESPACES, "--wdns=/", "--", *argv]

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        timeout_s: float = 60.0,
        input_text: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a command on this machine to its end."""
        merged = {**self.env, **(env or {})}
        return run(self.argv(argv), check=check, timeout_s=timeout_s, input_text=input_text, env=merged)

    def popen(self, argv: Sequence[str], **options: Any) -> Process:
        """Start a command on this machine; it ends with the machine's power at the latest."""
        env = {**self.env, **options.pop("env", {})}
        return popen(self.argv(argv), env=env, **options)

    def start_job(self, argv: Sequence[str]) -> Job:
        """Start a command in the background; its output goes to a file of the run."""
        self._jobs += 1
        log = self.directory / "log" / f"job{self._jobs}.out"
        with log.open("w") as output:
            return LocalJob(self.popen(argv, stdout=output, stderr=output, stdin=PIPE), log)

    def pids(self) -> list[int]:
        """Every process of this machine, as seen from outside."""
        return processes.in_namespace_of(self.init.pid)

    def pids_of(self, program: str) -> list[int]:
        """The processes of this machine that run a program, by its command or by ``python -m``."""
        names = {program, MODULES.get(program, program)}
        found = []
        for pid in self.pids():
            with contextlib.suppress(OSError):
                arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if names & {Path(os.fsdecode(argument)).name for argument in arguments[:4]}:
                    found.append(pid)
        return found

    def kill_program(self, program: str) -> list[int]:
        """``kill -9`` every process of that program (twinsetd, twinset-mirrord); they must exist."""
        pids = self.pids_of(program)
        if not pids:
            raise LabError(f"no {program} runs on {self.name}")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return pids

    def pause(self) -> None:
        """Stop every process, as a hypervisor pausing the machine would; its disk goes on.

        A process that waits in the kernel (D) for one that is stopped stops when its wait ends, if ever.
        """

        def all_stopped() -> bool:
            states = {pid: processes.state(pid) for pid in self.pids()}
            running = [pid for pid, state in states.items() if state not in ("T", "Z", "X", "")]
            for pid in running:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            return all(states[pid] == "D" for pid in running)

        wait_for(all_stopped, 20, f"every process of {self.name} to stop", poll_s=0.005)

    def resume(self) -> None:
        """Continue every process, and the lab's own commands that stopped along with them."""
        pids = self.pids()
        for pid in (*pids, *(processes.parent(pid) for pid in pids)):
            if pid > 1 and processes.state(pid) in ("T", "D"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def die(self) -> list[str]:
        """Everything on the machine dies at once; return the loop devices it left, for detaching."""
        if self.init.mark is None:
            return []
        pids = self.pids()
        devices = processes.fuse_devices(pids)
        try:
            loops = {*processes.loops_on(devices, self.loop_files()), *processes.loops_mounted(pids)}
            self.init.kill()
        except Exception:
            abort_fuse(devices, self.keeper_pid)
            self.init.kill()
            raise
        return sorted(loops)

    def loop_files(self) -> set[processes.Inode]:
        """The files of this machine that a loop device may sit on directly."""
        return set()
