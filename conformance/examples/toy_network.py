"""The hosts of the toy port: a network namespace each, joined by two bridges. All of it ends with this process.

A host lives as long as its holder, a `cat` that ends when its standard input does.
"""

import shutil
import subprocess
from pathlib import Path

LANS = {"public": "10.0.1", "ic1": "10.10.10"}
HOSTS = {"server1": 1, "server2": 2, "client": 50}
RUN_S = 60.0


class Ran:
    """A command that ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


def run(argv: list[str], timeout_s: float = RUN_S) -> Ran:
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Ran(-1, "", f"{argv[0]} did not end in {timeout_s:g} s")
    except OSError as error:
        return Ran(127, "", str(error))
    return Ran(done.returncode, done.stdout, done.stderr)


class Network:
    """Both LANs and every host that has power."""

    def __init__(self, path: Path) -> None:
        """What the hosts keep lies below `path`, which goes with the network."""
        self.path = path
        path.mkdir(mode=0o700, exist_ok=True)
        self.holders: dict[str, subprocess.Popen[str]] = {}
        self.jobs: dict[str, tuple[subprocess.Popen[str], Path]] = {}
        (self.path / "scratch").mkdir()
        self._hold("lans", [])
        for lan in LANS:
            self._do("lans", ["ip", "link", "add", lan, "type", "bridge"])
            self._do("lans", ["ip", "link", "set", lan, "up"])
        for host in HOSTS:
            (self.path / host).mkdir()
            self.power_on(host)

    def _hold(self, host: str, mounts: list[str]) -> None:
        text = "mount --make-rprivate /; " + "".join(f"{line}; " for line in mounts) + "echo up; exec cat"
        argv = ["unshare", "--net", "--mount", "sh", "-ec", text]
        holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.holders[host] = holder
        if holder.stdout is None or holder.stdout.readline() != "up\n":
            raise RuntimeError(f"no namespace for {host}")

    def inside(self, host: str, argv: list[str]) -> list[str]:
        """The command line that runs a command on a host."""
        if host not in self.holders:
            raise RuntimeError(f"{host} has no power")
        return ["nsenter", "-t", str(self.holders[host].pid), "-n", "-m", "--", *argv]

    def _do(self, host: str, argv: list[str]) -> None:
        done = run(self.inside(host, argv))
        if done.code:
            raise RuntimeError(f"{' '.join(argv)} on {host}: {done.err.strip()}")

    def power_on(self, host: str) -> None:
        """A fresh namespace with its cables; what lies in the host's folder is still there."""
        self._hold(host, [f"mount --bind {self.path / host} {self.path / 'scratch'}"])
        number, pid = HOSTS[host], str(self.holders[host].pid)
        for index, (lan, base) in enumerate(LANS.items()):
            end = _end(lan, host)
            mac = f"02:00:00:00:{index:02x}:{number:02x}"
            peer = ["peer", "name", lan, "address", mac, "netns", pid]
            self._do("lans", ["ip", "link", "add", end, "type", "veth", *peer])
            self._do("lans", ["ip", "link", "set", end, "master", lan, "up"])
            self._do(host, ["ip", "address", "add", f"{base}.{number}/24", "dev", lan])
            self._do(host, ["ip", "link", "set", lan, "up"])
        self._do(host, ["ip", "link", "set", "lo", "up"])

    def power_off(self, host: str) -> None:
        """The namespace goes, and every address with it.

        Its cables are pulled here: the kernel takes them away some time after the last process of the host has ended.
        """
        if host in HOSTS:
            for lan in LANS:
                run(self.inside("lans", ["ip", "link", "delete", _end(lan, host)]))
        holder = self.holders.pop(host)
        holder.kill()
        holder.wait()

    def talk_to(self, host: str, argv: list[str]) -> "subprocess.Popen[str]":
        """Start a program on a host that reads and writes lines; `ready` is its first one."""
        program = subprocess.Popen(
            self.inside(host, argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if program.stdout is None or program.stdout.readline() != "ready\n":
            raise RuntimeError(f"{argv[-2]} did not come up on {host}")
        return program

    def start_job(self, host: str, argv: list[str]) -> str:
        """Run a command in the background; what it prints is kept."""
        name = f"job{len(self.jobs) + 1}"
        file = self.path / f"{name}.out"
        with file.open("w") as output:
            process = subprocess.Popen(
                self.inside(host, argv), stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True
            )
        self.jobs[name] = (process, file)
        return name

    def read_job(self, name: str, *, stop: bool) -> str:
        process, file = self.jobs[name]
        if stop:
            process.terminate()
            process.wait()
        return file.read_text(errors="replace")

    def close(self) -> None:
        for process, _ in self.jobs.values():
            process.kill()
            process.wait()
        for host in [*reversed(self.holders)]:  # the LANs last
            self.power_off(host)
        shutil.rmtree(self.path, ignore_errors=True)


def _end(lan: str, host: str) -> str:
    """The end of a host's cable at the LAN."""
    return f"{lan[:6]}-{HOSTS[host]}"
