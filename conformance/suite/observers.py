"""What the suite sees with its own eyes: from a client on the LAN, in script logs, on the raw copies."""

import base64
import contextlib
import hashlib
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.suite.adapter import Adapter
from conformance.suite.errors import AdapterError, NotRun, WaitTimeout
from conformance.suite.wait import PATIENCE, settled, wait_for

_MAC = re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", re.IGNORECASE)
_READ_BYTES = 1 << 20
_SAMBA_DIRECTORIES = ("lock", "state", "cache", "pid", "private", "ncalrpc")
FRAME_S = 20.0
ROUTE_S = 40.0  # RIP tells every route twice a minute
READ_S = 300.0
SECTOR = 512


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class ScriptRun:
    """One run of a group's script, as the script itself noted it."""

    server: str
    script: str  # start | stop
    group: str
    event: str  # START | FAILOVER | RECOVER
    place: str  # HOME | OTHER
    disk: str  # SUCCESS | FAILURE


class Observers:
    """Eyes on the hosts that `provision` named."""

    def __init__(self, adapter: Adapter, provisioned: dict[str, Any]) -> None:
        self.adapter = adapter
        self.scratch = str(provisioned["scratch"])
        self.client_interface = str(provisioned["client"]["interface"])
        self.fixed = {name: str(host["public_address"]) for name, host in provisioned["servers"].items()}

        self._owners: dict[str, str] = {}  # server by the MAC address of its fixed address

    # -- commands

    def run(self, host: str, argv: Sequence[str], *, timeout_s: float = 30) -> Ran:
        """Run a command on a host to its end."""
        answer = self.adapter.request("run", {"host": host, "argv": list(argv), "timeout_s": timeout_s})
        try:
            return Ran(int(answer["returncode"]), str(answer["stdout"]), str(answer["stderr"]))
        except KeyError as missing:
            raise AdapterError(f"run: the answer lacks {missing}: {answer!r}") from missing

    def need(self, host: str, program: str) -> None:
        """Raise NotRun when a program that an observation needs is not on the host."""
        if self.run(host, ["sh", "-c", f"command -v {program}"]).returncode:
            raise NotRun(f"{program} is not installed on {host}")

    def address_of(self, host: str, interface: str) -> str:
        """The first IPv4 address of a host's interface; empty when it has none."""
        shown = self.run(host, ["ip", "-4", "-o", "address", "show", "dev", interface]).stdout
        found = re.search(r"inet (\d+\.\d+\.\d+\.\d+)/", shown)
        return found[1] if found else ""

    # -- from the client

    def pings(self, address: str) -> bool:
        """Whether the address answers an echo request from the client."""
        return self.reaches("client", address)

    def reaches(self, host: str, address: str) -> bool:
        """Whether the address answers an echo request from a host."""
        return self.run(host, ["ping", "-n", "-c", "1", "-W", "1", address]).returncode == 0

    def awaits(self, host: str, address: str) -> bool:
        """The same, for an address that the host is about to learn the way to."""
        return settled(lambda: self.reaches(host, address), bool, ROUTE_S)

    def mac_of(self, address: str) -> str:
        """Who answers ARP for the address: asked on the wire, no cache. Empty when nobody does."""
        argv = ["arping", "-c", "1", "-w", "1", "-I", self.client_interface, address]
        found = _MAC.findall(self.run("client", argv).stdout)
        return found[-1].lower() if found else ""

    def owner_of(self, address: str) -> str | None:
        """The server that answers ARP for an address, told by its fixed address; None when nobody answers."""
        mac = self.mac_of(address)
        if not mac:
            return None
        if mac not in self._owners:
            self._owners = {self.mac_of(fixed): server for server, fixed in self.fixed.items()}
        return self._owners.get(mac, mac)

    def resolves(self, name: str, host: str = "client") -> list[str]:
        """The addresses that a NetBIOS name query by broadcast brings, sorted; nobody answers: none.

        A query waits a quarter of a second for its answer, whatever the machine; a slow one is asked more often.
        """
        return self._looked_up(host, name)

    def knows(self, name_server: str, name: str) -> list[str]:
        """The addresses that a name server (WINS) says a NetBIOS name has, asked by the client."""
        return self._looked_up("client", "-U", name_server, "--recursion", name)

    def _looked_up(self, host: str, *words: str) -> list[str]:
        self.need(host, "nmblookup")
        found: list[str] = []
        for _ in range(max(1, round(PATIENCE))):
            printed = self.run(host, ["nmblookup", *words]).stdout
            found = sorted(set(re.findall(r"^(\d+\.\d+\.\d+\.\d+) \S+<00>", printed, re.MULTILINE)))
            if found:
                break
        return found

    @contextlib.contextmanager
    def held_by_client(self, name: str) -> Iterator[None]:
        """While this lasts, the client is a computer of that NetBIOS name, by Samba's nmbd."""
        self.need("client", "nmbd")
        directories = "".join(f"{kind} directory = $d\\n" for kind in _SAMBA_DIRECTORIES)
        settings = f"[global]\\nnetbios name = {name}\\nlocal master = no\\n{directories}"
        script = (
            f'd=/run/conformance-names; mkdir -p $d /run/samba; printf "{settings}" > $d/smb.conf; '
            "exec nmbd --foreground --no-process-group -s $d/smb.conf -l $d"
        )
        job = self.adapter.request(
            "run", {"host": "client", "argv": ["sh", "-c", script], "background": True}
        )["job"]
        try:
            wait_for(lambda: self.resolves(name), bool, FRAME_S, f"the client to have the name {name}")
            yield
        finally:
            self.adapter.request("job", {"job": job, "action": "stop"})

    def capture_arp(self) -> "Capture":
        """Begin to capture ARP on the public LAN, as the client sees it."""
        return self.capture("client", self.client_interface, "arp")

    def capture(self, host: str, interface: str, expression: str) -> "Capture":
        """Begin to capture frames on an interface of a host."""
        self.need(host, "tcpdump")
        # -U and -l: what was seen is written at once, so that ending the capture loses nothing.
        argv = ["tcpdump", "--immediate-mode", "-U", "-l", "-n", "-e", "-t", "-i", interface, expression]
        return Capture(
            self.adapter, self.adapter.request("run", {"host": host, "argv": argv, "background": True})
        )

    # -- on the servers

    def script_runs(self, server: str) -> list[ScriptRun]:
        """Every run that the suite's scripts noted on a server since the cluster was applied."""
        out = self.run(server, ["sh", "-c", f"cat {self.scratch}/scripts.log 2>/dev/null || true"]).stdout
        return [ScriptRun(server, *line.split("|")) for line in out.splitlines() if line.count("|") == 4]

    def checksum(self, server: str, path: str) -> str:
        """SHA-256 of a file on a server; empty when it cannot be read."""
        ran = self.run(server, ["sha256sum", path])
        return ran.stdout.split()[0] if ran.returncode == 0 else ""

    # -- the raw copies

    def copies(self, set_name: str) -> dict[str, str]:
        """SHA-256 of the data partitions of both copies, read by the suite; sound while nobody writes."""
        answer = self.adapter.request("copies", {"set": set_name})
        return {
            server: _digest(Path(raw["path"]), raw["partitions"])
            if raw.get("path")
            else self._digest_there(server, raw["device"], raw["partitions"])
            for server, raw in answer["copies"].items()
        }

    def cluster_partition(self, set_name: str, server: str) -> bytes:
        """The bytes of a raw copy's CLUSTER partition; sound while the cluster is stopped."""
        raw = self.adapter.request("copies", {"set": set_name})["copies"][server]
        area = raw["cluster_partition"]
        if not raw.get("path"):
            return base64.b64decode(self._read_there(server, raw["device"], [area], "base64 -w 0"))
        with Path(raw["path"]).open("rb") as disk:
            disk.seek(area["offset_bytes"])
            return disk.read(area["size_bytes"])

    def _digest_there(self, server: str, device: str, areas: Sequence[dict[str, int]]) -> str:
        return self._read_there(server, device, areas, "sha256sum").split()[0]

    def _read_there(self, server: str, device: str, areas: Sequence[dict[str, int]], into: str) -> str:
        """Read areas of a device on the server itself, one after the other into a program: no copy leaves it."""
        reads = "; ".join(
            f"dd if={shlex.quote(device)} bs={SECTOR} skip={area['offset_bytes'] // SECTOR} "
            f"count={area['size_bytes'] // SECTOR} 2>/dev/null"
            for area in areas
        )
        ran = self.run(server, ["sh", "-c", f"{{ {reads}; }} | {into}"], timeout_s=READ_S)
        if ran.returncode or not ran.stdout.strip():
            raise AdapterError(f"reading {device} on {server}: {ran.stderr.strip()}")
        return ran.stdout


def _digest(path: Path, partitions: Sequence[dict[str, int]]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as raw:
        for partition in partitions:
            raw.seek(partition["offset_bytes"])
            left = partition["size_bytes"]
            while left:
                block = raw.read(min(left, _READ_BYTES))
                if not block:
                    raise AdapterError(f"copies: {path} ends {left} bytes before the end of a partition")
                digest.update(block)
                left -= len(block)
    return digest.hexdigest()


def script_text(kind: str, scratch: str) -> str:
    """A script that notes what it was told; the same text on both servers."""
    noted = f"{kind}|${{ARMS_GROUPNAME}}|${{ARMS_EVENT}}|${{ARMS_SERVER}}|${{ARMS_DISK}}"
    return f'#!/bin/sh\nprintf "%s\\n" "{noted}" >> {scratch}/scripts.log\nexit 0\n'


class Capture:
    """A capture that runs in the background on a host."""

    def __init__(self, adapter: Adapter, started: dict[str, Any]) -> None:
        self.adapter = adapter
        self.job = started["job"]
        wait_for(lambda: self._text("read"), lambda seen: "listening on" in seen, 20, "tcpdump to listen")

    def stop(self) -> list[str]:
        """End the capture; return its frames, one line each."""
        return _frames(self._text("stop"))

    def stop_after(self, wanted: Callable[[str], bool]) -> list[str]:
        """End the capture once a wanted frame was seen, or after a while without; return all frames."""
        with contextlib.suppress(WaitTimeout):
            wait_for(
                lambda: _frames(self._text("read")), lambda seen: any(map(wanted, seen)), FRAME_S, "a frame"
            )
        return self.stop()

    def _text(self, action: str) -> str:
        return str(self.adapter.request("job", {"job": self.job, "action": action})["stdout"])


def _frames(text: str) -> list[str]:
    return [line for line in text.splitlines() if " > " in line]


def announces(line: str, address: str) -> bool:
    """Whether a captured frame tells a LAN who has the address: a reply, or a gratuitous question."""
    escaped = re.escape(address)
    patterns = (
        rf"Reply {escaped} is-at",
        rf"who-has {escaped}( \([^)]*\))? tell {escaped}\b",
        rf"Announcement {escaped}\b",
    )
    return any(re.search(pattern, line) for pattern in patterns)
