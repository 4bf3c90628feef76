"""A server of the cluster under test: a host with a disk and with the daemon that PID 1 keeps running."""

import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import LabError
from harness.faults.disk import Disk
from harness.labs import api, processes
from harness.labs.asking import Asking
from harness.labs.host import PROGRAMS, Host, environment
from harness.wait import wait_for

TIME_SCALE = "TWINSET_TIME_SCALE"
RESTART_S = 150.0  # it ends in order first: its groups may take two minutes
SMB_CONF = "/etc/twinset/smb.conf"  # Samba's tools, where twinsetd runs them, take this machine's own file


class Server(Host, Asking):
    """server1 or server2."""

    def __init__(self, name: str, directory: Path, run_id: str, disk: Disk, scale: float) -> None:
        super().__init__(name, directory, run_id, "server")
        self.disk = disk
        self.scale = scale
        self.programs = PROGRAMS  # the release that this server has
        self.by_hand = False  # the daemon does not start with the server

    @property
    def env(self) -> dict[str, str]:
        """As every host's, with the time scale of the lab and the programs of this server's release."""
        return environment(self.run_id, {TIME_SCALE: repr(self.scale)}, self.programs)

    @property
    def disk_path(self) -> str:
        """The disk as this server opens it."""
        return str(self.disk.path)

    @property
    def state_directory(self) -> Path:
        """Its /var/lib/twinset, as the lab reads it."""
        return self.directory / "state"

    @property
    def etc_directory(self) -> Path:
        """Its /etc/twinset, as the lab reads it."""
        return self.directory / "etc"

    def forget(self) -> None:
        """Become a new machine of the old name: without power, everything that the daemon had kept is gone."""
        if self.powered:
            raise LabError(f"{self.name} has power")
        for entry in self.state_directory.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def start_daemon(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Have PID 1 run the daemon and run it again whenever it dies."""
        log = str(self.directory / "log" / "twinsetd.log")
        own = {**self.env, "SMB_CONF_PATH": SMB_CONF, **(env or {})}
        program = self.programs / argv[0]
        first = str(program) if program.exists() else argv[0]
        self.init.order("daemon", argv=[first, *argv[1:]], env=own, log=log)

    def install(self, programs: Path, daemon: Sequence[str]) -> None:
        """Replace the release, and restart the daemon by SIGTERM as systemd does."""
        self.programs = programs
        before = self.daemon_status()
        self.start_daemon(daemon)
        self.run(["kill", "-TERM", str(before["daemon"])])

        def restarted() -> bool:
            now = self.daemon_status()
            return bool(now["daemon"]) and now["starts"] > before["starts"]

        wait_for(restarted, RESTART_S, f"the daemon of {self.name} to be restarted")

    def release_daemon(self) -> None:
        """From now on PID 1 lets a dead daemon lie."""
        self.init.order("daemon", argv=None)

    def daemon_status(self) -> dict[str, Any]:
        """Pid (0: not running), how often it was started, how it ended last."""
        return self.init.order("ping")

    def fail_disk(self, kind: str | None, *, partition: int | None = None, delay_ms: int = 0) -> None:
        """Switch a fault on, or off with None; of the whole disk or one partition of it (not stall and delay)."""
        area: dict[str, int | None] = {"first": 0, "last": None}
        if partition is not None:
            found = next((p for p in self.disk.partitions if p.number == partition), None)
            if found is None:
                raise LabError(f"{self.name} has no partition {partition}")
            area = {"first": found.offset_bytes, "last": found.offset_bytes + found.size_bytes - 1}
        self.disk.order("fault", kind=kind, delay_ms=delay_ms, **area)

    def limit_rate(self, lan: str, rate: str | None) -> None:
        """Let this server send on a LAN at most so much (as tc spells it: "64kbit"), or as fast as it can with None."""
        if rate is None:
            self.run(["tc", "qdisc", "del", "dev", lan, "root"])
        else:
            limit = ["rate", rate, "burst", "3kb", "limit", "4mb"]
            self.run(["tc", "qdisc", "replace", "dev", lan, "root", "tbf", *limit])

    def api(self, verb: str, timeout_s: float = 20.0, **arguments: Any) -> Any:
        """Ask twinsetd directly, without the operator's command in between."""
        message = {"verb": verb, "args": arguments}
        return api.call(self.init.pid, api.DAEMON_SOCKET, message, timeout_s)

    def ask(self, verb: str, **arguments: Any) -> socket.socket:
        """Ask twinsetd and do not wait for its answer, which would come on the connection."""
        return api.ask(self.init.pid, api.DAEMON_SOCKET, {"verb": verb, "args": arguments})

    def mirror(self, verb: str, set_name: str = "set1", timeout_s: float = 20.0, **arguments: Any) -> Any:
        """Ask the set's mirror process directly."""
        return api.call(self.init.pid, api.mirror_socket(set_name), {"verb": verb, **arguments}, timeout_s)

    def daemon_answers(self) -> bool:
        """True once twinsetd accepts connections."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(f"/proc/{self.init.pid}/root{api.DAEMON_SOCKET}")
        except OSError:
            return False
        return True

    def write_file(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file below the server's /etc/twinset or /var/lib/twinset."""
        file = self._seen_from_here(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def read_file(self, path: str) -> str | None:
        """The text of such a file, also without power; None when there is none."""
        try:
            return self._seen_from_here(path).read_text(errors="replace")
        except OSError:
            return None

    def names_in(self, path: str) -> list[str]:
        """The names in a directory below them; none when it is not there."""
        directory = self._seen_from_here(path)
        return sorted(entry.name for entry in directory.iterdir()) if directory.is_dir() else []

    def _seen_from_here(self, path: str) -> Path:
        for inside, outside in (
            ("/etc/twinset", self.etc_directory),
            ("/var/lib/twinset", self.state_directory),
        ):
            if path == inside or path.startswith(f"{inside}/"):
                return outside / path[len(inside) + 1 :]
        raise LabError(f"{path} is not of twinset; the lab reaches no other file of a server from outside")

    def loop_files(self) -> set[processes.Inode]:
        """The disk's image."""
        status = self.disk.image.stat()
        return {(status.st_dev, status.st_ino)}
