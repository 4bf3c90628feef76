"""A server of the cluster under test: a host with a disk and with the daemon that PID 1 keeps running."""

import json
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import CommandFailed, LabError
from harness.faults.disk import Disk
from harness.labs import api, processes
from harness.labs.host import Host
from harness.run import Result

TIME_SCALE = "TWINSET_TIME_SCALE"
SMB_CONF = "/etc/twinset/smb.conf"  # Samba's tools, where twinsetd runs them, take this machine's own file


class Server(Host):
    """server1 or server2."""

    def __init__(self, name: str, directory: Path, run_id: str, disk: Disk, scale: float) -> None:
        super().__init__(name, directory, run_id, "server")
        self.disk = disk
        self.scale = scale

    @property
    def env(self) -> dict[str, str]:
        """As every host's, with the time scale of the lab."""
        return {**super().env, TIME_SCALE: repr(self.scale)}

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
        self.init.order("daemon", argv=list(argv), env=own, log=log)

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

    def twinset_result(self, *words: str, timeout_s: float = 120.0) -> Result:
        """Run the operator's command with --json and return what it left, refusals included."""
        return self.run(["twinset", *words, "--json"], check=False, timeout_s=timeout_s)

    def twinset(self, *words: str, timeout_s: float = 120.0) -> Any:
        """Run the operator's command, which has to succeed, and return its parsed answer."""
        result = self.twinset_result(*words, timeout_s=timeout_s).require()
        try:
            return json.loads(result.stdout) if result.stdout.strip() else {}
        except ValueError as error:
            raise CommandFailed(
                f"twinset {' '.join(words)} printed no JSON: {result.stdout[:500]!r}"
            ) from error

    def api(self, verb: str, timeout_s: float = 20.0, **arguments: Any) -> Any:
        """Ask twinsetd directly, without the operator's command in between."""
        message = {"verb": verb, "args": arguments}
        return api.call(self.init.pid, api.DAEMON_SOCKET, message, timeout_s)

    def mirror(self, verb: str, set_name: str = "set1", timeout_s: float = 20.0, **arguments: Any) -> Any:
        """Ask the set's mirror process directly."""
        return api.call(self.init.pid, api.mirror_socket(set_name), {"verb": verb, **arguments}, timeout_s)

    def status(self) -> dict[str, Any] | None:
        """``cluster status``, or None while the daemon cannot be asked: for use in predicates."""
        if not self.powered:
            return None
        try:
            answer = self.api("cluster.status", timeout_s=10)
        except CommandFailed:
            return None
        return answer if isinstance(answer, dict) else None

    def mirror_status(self, set_name: str = "set1") -> dict[str, Any] | None:
        """The mirror process's own status; None while it cannot be asked."""
        try:
            answer = self.mirror("status", set_name, timeout_s=5)
        except (CommandFailed, LabError):
            return None
        return answer if isinstance(answer, dict) else None

    def status_of_set(self, set_name: str) -> dict[str, Any]:
        """One mirror set of ``cluster status``; empty while it cannot be asked."""
        sets = (self.status() or {}).get("mirror_sets", {})
        found = sets.get(set_name, {})
        return found if isinstance(found, dict) else {}

    def daemon_answers(self) -> bool:
        """True once twinsetd accepts connections."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(f"/proc/{self.init.pid}/root{api.DAEMON_SOCKET}")
        except OSError:
            return False
        return True

    def events(self) -> list[dict[str, Any]]:
        """The server's event log, readable also while it has no power; a torn last line is left out."""
        found = []
        file = self.state_directory / "events.jsonl"
        for line in file.read_text(errors="replace").splitlines() if file.exists() else ():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def loop_files(self) -> set[processes.Inode]:
        """The disk's image."""
        status = self.disk.image.stat()
        return {(status.st_dev, status.st_ino)}
