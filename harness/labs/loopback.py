"""Two real twinset-mirrord processes on loopback addresses, without a daemon: no root needed."""

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from harness.faults.partition_table import encode, plan
from harness.run import Process, kill_group, popen, run
from harness.wait import wait_for

_ports = itertools.count(25000 + os.getpid() % 200 * 40)
MIB = 1 << 20


class MirrorServer:
    """One server's side: its disk, its process, its control socket."""

    def __init__(self, base: Path, index: int, port: int, disk_mib: int, options: dict[str, Any]) -> None:
        self.name, self.peer = ("server1", "server2") if index == 0 else ("server2", "server1")
        self.base = base / self.name
        (self.base / "run").mkdir(parents=True)
        (self.base / "state").mkdir()
        self.disk = self.base / "disk.img"
        self.partitions = plan((disk_mib + 3) * MIB, MIB)
        with self.disk.open("wb") as image:
            image.truncate((disk_mib + 3) * MIB)
            os.posix_fallocate(image.fileno(), 0, (disk_mib + 3) * MIB)
            image.write(encode(self.partitions, 7 + index))
        key = base / "key"
        key.write_text("5a" * 32 + "\n")
        self.spec = {
            "set": "set1", "set_index": 0, "server": self.name, "peer": self.peer, "server_index": index,
            "disk": str(self.disk), "partitions": [{"number": 2, "letter": "E"}],
            "max_io_kib": 64, "max_io_count": 64, "fastsync": True,
            "paths": [[f"127.0.0.{index + 1}", f"127.0.0.{2 - index}"]], "port": port,
            "key_file": str(key), "state_dir": str(self.base / "state"), "run_dir": str(self.base / "run"),
            "time_scale": 0.2, "leased": False, **options,
        }  # fmt: skip
        self.python = sys.executable  # of the installation that is run
        self.process: Process | None = None
        self._control: Any = None
        self._requests: Any = None
        self._number = 0
        self.told: dict[str, Any] = {}  # the last status that came unasked, as twinsetd gets it

    @property
    def uri(self) -> str:
        """Where clients find the export."""
        return f"nbd+unix:///E?socket={self.base}/run/nbd-set1.sock"

    @property
    def log(self) -> str:
        """What the process said."""
        return (self.base / "log").read_text()

    def start(self) -> None:
        """Start the process and wait for its control socket."""
        spec = self.base / "spec.json"
        spec.write_text(json.dumps(self.spec))
        log = (self.base / "log").open("a")
        argv = [self.python, "-m", "twinset.shell.mirrord", str(spec)]
        self.process = popen(argv, stdout=log, stderr=log)
        self._control = self._requests = None
        wait_for(self._connect, 30, f"the control socket of {self.name}")

    def _connect(self) -> bool:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(30)
        try:
            sock.connect(str(self.base / "run" / "mirror-set1.sock"))
        except OSError:
            sock.close()
            return False
        # Two files: one for both would forget, with each write, the lines it had read ahead.
        self._control, self._requests = sock.makefile("r"), sock.makefile("w")
        return True

    def ask(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and return its answer."""
        self._number += 1
        self._requests.write(json.dumps({"id": self._number, "verb": verb, **arguments}) + "\n")
        self._requests.flush()
        while True:
            answer: dict[str, Any] = json.loads(self._control.readline())
            if answer.get("id") == self._number:
                return answer
            if answer.get("event") == "status":
                self.told = answer

    def status(self) -> dict[str, Any]:
        """Return the status."""
        result: dict[str, Any] = self.ask("status")["result"]
        return result

    def until(self, what: str, timeout_s: float = 60, **expected: Any) -> dict[str, Any]:
        """Wait until the status has these values."""

        def reached() -> dict[str, Any] | None:
            status = self.status()
            return status if all(status[name] == value for name, value in expected.items()) else None

        return wait_for(lambda: reached() or {}, timeout_s, f"{self.name}: {what}")

    def kill(self) -> None:
        """End the process at once, as kill -9 does."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def power_cut(self) -> None:
        """End the process and what a reboot loses: the run directory with boot id and maps."""
        self.kill()
        shutil.rmtree(self.base / "run")
        (self.base / "run").mkdir()

    def data_digest(self) -> str:
        """Return a digest of the data partition."""
        start = self.partitions[1].offset_bytes
        with self.disk.open("rb") as image:
            image.seek(start)
            return hashlib.sha256(image.read()).hexdigest()


class MirrorPair:
    """Both servers."""

    def __init__(self, base: Path, disk_mib: int, **options: Any) -> None:
        port = next(_ports)
        self.one = MirrorServer(base, 0, port, disk_mib, options)
        self.two = MirrorServer(base, 1, port, disk_mib, options)

    def create(self) -> None:
        """Start both and create the mirror from server 1."""
        self.one.start()
        self.two.start()
        assert self.one.ask("create", source=True)["ok"]
        assert self.two.ask("create", source=False)["ok"]
        self.one.until("mirror created", set_state="NORMAL")

    def activate(self, server: MirrorServer) -> None:
        """Make a side serve."""
        answer = server.ask("activate", peer="up")
        assert answer["ok"], answer

    def equal(self) -> bool:
        """True when both data partitions hold the same bytes."""
        return self.one.data_digest() == self.two.data_digest()

    def end(self) -> None:
        """End both processes."""
        for server in (self.one, self.two):
            if server.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    kill_group(server.process)


def qemu_io(uri: str, *commands: str, check: bool = True) -> str:
    """Run qemu-io commands; raise AssertionError with its words when one fails."""
    argv = ["qemu-io", "-f", "raw"]
    for command in commands:
        argv += ["-c", command]
    result = run([*argv, uri], check=False, timeout_s=120)
    text = result.stdout + result.stderr
    if check and ("failed" in text or "error" in text.lower()):
        raise AssertionError(text)
    return text
