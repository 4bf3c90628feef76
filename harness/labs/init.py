"""PID 1 of each host of a lab, and of the lab itself (the *keeper*).

A host's PID 1 arranges its mounts, takes orders over a Unix socket, keeps one daemon running as systemd would
(started again when it dies), and reaps. Killing it is the host's power cut: the kernel kills all the rest.
The keeper's namespaces hold the switch, the disks and the hosts; it ends, and everything with it, when the
process that owns the lab goes away, unless it was told to stay. So a killed test run leaves nothing.

Run with -I -S: standard library only. Orders, one JSON object a packet:

    {"verb": "ping"} | {"verb": "daemon", "argv": [...] or null, "env": {...}, "log": path}
    {"verb": "own"} (keeper: end when this connection closes) | {"verb": "stay"} (keeper: never mind that)
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness.labs import processes

MS_BIND, MS_REC, MS_NOSUID, MS_NODEV, MS_NOEXEC = 4096, 16384, 2, 4, 8
RESTART_DELAY_S = 0.2  # a daemon that dies at once must not eat a core
OWNER_MAX_S = 30.0  # the owner has to claim its lab within this
TMPFS_OPTIONS = "mode=755,size=512m"


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """Like the system call; the error names both ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"mount {kind or 'bind'} {source} on {target}: {os.strerror(code)}")


def arrange_mounts(spec: dict[str, Any]) -> None:
    """Give this host its own /proc, /run, /dev/shm, and its own directories over the machine's."""
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    if spec["role"] == "keeper":
        with contextlib.suppress(OSError):  # only for aborting a stuck FUSE connection
            mount("fusectl", "/sys/fs/fuse/connections", "fusectl")
        return
    lab = Path(spec["socket"]).parents[1]
    seen = os.open(lab, os.O_PATH | os.O_CLOEXEC)
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, TMPFS_OPTIONS)
    mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=512m")
    if not lab.exists():  # the run's directory lay under one of them
        lab.mkdir(parents=True)
        mount(f"/proc/self/fd/{seen}", str(lab), "", MS_BIND | MS_REC)
    os.close(seen)
    for directory in ("/run/twinset", "/run/lock", "/run/postgresql"):
        Path(directory).mkdir(mode=0o755)
    Path("/run/postgresql").chmod(0o1777)
    work = Path("/run/.lab")
    # The software under test makes its mount points in the first; Samba keeps its accounts in the second.
    for shared in filter(Path.is_dir, (Path("/mnt"), Path("/var/lib/samba"))):
        _own_copy_of(shared, work)
    for target, source in spec["binds"].items():
        if not Path(target).is_dir():
            _own_copy_of(Path(target).parent, work)
            Path(target).mkdir(parents=True, exist_ok=True)
        mount(source, target, "", MS_BIND)
    # The machine's name servers are not there, and behind the lab's router nobody says so.
    with contextlib.suppress(OSError):
        mount("/dev/null", "/etc/resolv.conf", "", MS_BIND)


def arrange_network(spec: dict[str, Any]) -> None:
    """No IPv6 chatter on the lab's LANs; a router forwards."""
    settings = {"ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1"}
    if spec["role"] == "router":
        settings["ipv4/ip_forward"] = "1"
    for name, value in settings.items():
        with contextlib.suppress(OSError):
            Path("/proc/sys/net", name).write_text(value)


def _own_copy_of(directory: Path, work: Path) -> None:
    """Lay a private layer over a directory: a mount point made in it is not made on the machine."""
    layer = work / directory.name
    for part in ("upper", "work"):
        (layer / part).mkdir(parents=True)
    options = f"lowerdir={directory},upperdir={layer}/upper,workdir={layer}/work"
    with contextlib.suppress(OSError):  # without overlayfs the empty directory is made on the machine
        mount("overlay", str(directory), "overlay", 0, options)


class Daemon:
    """The one daemon that PID 1 keeps running."""

    def __init__(self) -> None:
        self.argv: list[str] | None = None
        self.env: dict[str, str] = {}
        self.log = "/dev/null"
        self.pid = 0
        self.starts = 0
        self.last_status: int | None = None
        self.due: float | None = None

    def order(self, argv: list[str] | None, env: dict[str, str], log: str) -> None:
        """Run this from now on (None: nothing); what runs already is not touched."""
        self.argv, self.env, self.log = argv, env, log or "/dev/null"
        if argv is not None and self.pid == 0:
            self.start()

    def start(self) -> None:
        """Start it in its own session, both outputs to the log."""
        if self.argv is None:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        outputs = [(os.POSIX_SPAWN_OPEN, fd, self.log, flags, 0o644) for fd in (1, 2)]
        inputs = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)]
        self.due = None
        try:
            self.pid = os.posix_spawnp(
                self.argv[0],
                self.argv,
                self.env,
                file_actions=inputs + outputs,
                setsid=True,
                setsigmask=(),
                setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),  # what Python itself ignores
            )
            self.starts += 1
        except OSError as error:
            with Path(self.log).open("a") as log:
                log.write(f"init: {self.argv[0]}: {error}\n")
            self.due = time.monotonic() + RESTART_DELAY_S

    def ended(self, pid: int, status: int) -> None:
        """A child ended; when it is the daemon, start it again soon."""
        if pid == self.pid:
            self.pid, self.last_status = 0, os.waitstatus_to_exitcode(status)
            self.due = time.monotonic() + RESTART_DELAY_S if self.argv is not None else None

    def tick(self) -> None:
        """Start again what is due."""
        if self.due is not None and time.monotonic() >= self.due:
            self.start()


class Init:
    """The loop of PID 1."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._keeper = spec["role"] == "keeper"
        self._daemon = Daemon()
        self._owner: socket.socket | None = None
        self._owner_due = time.monotonic() + OWNER_MAX_S if self._keeper else None
        self._connections: dict[int, socket.socket] = {}
        self._woken, wake = socket.socketpair()
        self._wake = wake
        for end in (self._woken, wake):
            end.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, lambda *_: None)  # not SIG_IGN, which the daemon would inherit
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(spec["socket"])
        self._listener.listen(16)
        self._poll = select.poll()
        self._poll.register(self._woken, select.POLLIN)
        self._poll.register(self._listener, select.POLLIN)

    def loop(self) -> None:
        """Serve until the owner is gone (keeper), or for ever (a host, which ends by power cut)."""
        while True:
            for fd, _ in self._poll.poll(self._timeout_ms()):
                if fd == self._woken.fileno():
                    with contextlib.suppress(BlockingIOError):
                        self._woken.recv(4096)
                elif fd == self._listener.fileno():
                    connection, _ = self._listener.accept()
                    self._connections[connection.fileno()] = connection
                    self._poll.register(connection, select.POLLIN)
                elif not self._serve(fd):
                    return
            self._reap()
            self._daemon.tick()
            if self._owner_due is not None and time.monotonic() > self._owner_due:
                return

    def _timeout_ms(self) -> int:
        due = self._daemon.due or self._owner_due
        return 60_000 if due is None else max(1, int((due - time.monotonic()) * 1000) + 1)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self._daemon.ended(pid, status)

    def _serve(self, fd: int) -> bool:
        """Answer one order; False when the lab's owner has gone."""
        connection = self._connections[fd]
        try:
            packet = connection.recv(1 << 16)
        except OSError:
            packet = b""
        if not packet:
            self._poll.unregister(connection)
            del self._connections[fd]
            gone = connection is self._owner
            connection.close()
            return not gone
        with contextlib.suppress(OSError):
            connection.send(json.dumps(self._obey(json.loads(packet), connection)).encode())
        return True

    def _obey(self, order: dict[str, Any], connection: socket.socket) -> dict[str, Any]:
        verb = order.get("verb")
        if verb == "daemon":
            self._daemon.order(order["argv"], order.get("env", {}), order.get("log", ""))
        elif verb == "own" and self._keeper:
            self._owner, self._owner_due = connection, None
        elif verb == "stay" and self._keeper:
            self._owner, self._owner_due = None, None
        elif verb != "ping":
            return {"ok": False, "error": f"unknown verb {verb!r}"}
        daemon = self._daemon
        return {"ok": True, "daemon": daemon.pid, "starts": daemon.starts, "last_status": daemon.last_status}


def sweep() -> None:
    """The keeper's end: everything in the lab dies, then the loop devices on its files are detached."""
    others = [pid for pid in processes.all_pids() if pid != os.getpid()]
    loops = {*processes.loops_on(processes.fuse_devices(others), set()), *processes.loops_mounted(others)}
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    for device in loops:
        processes.detach(device)


def main() -> None:
    """``init.py SPEC``: a JSON object with role, name, socket, binds."""
    spec = json.loads(sys.argv[1])
    arrange_mounts(spec)
    arrange_network(spec)
    if spec["role"] != "keeper":
        socket.sethostname(spec["name"])
    init = Init(spec)
    init.loop()
    sweep()


if __name__ == "__main__":
    main()
