"""A file server on a server of the pair, Samba's smbd, which the suite can make stand still; and its clients."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from conformance.suite.errors import AdapterError, NotRun
from conformance.suite.pair import DEADLINE_S, Pair
from conformance.suite.wait import wait_for

_DIRECTORIES = ("lock", "state", "cache", "pid", "private", "ncalrpc")
_FOLDER = "/run/conformance-smb"
_RPC = "samba-dcerpcd"
_RPC_PATHS = "/usr/libexec/samba:/usr/lib/samba:/usr/lib/x86_64-linux-gnu/samba"


class Shared:
    """One share, as long as this lasts; with `rpc` also remote procedure calls over TCP, without SMB between."""

    def __init__(self, pair: Pair, server: str, share: str, *, rpc: bool = False) -> None:
        self.pair = pair
        self.server = server
        self.share = share
        self._rpc = rpc
        self._jobs: list[str] = []

    def __enter__(self) -> Self:
        for host, program in ((self.server, "smbd"), ("server1", "smbclient")):
            self.pair.see.need(host, program)
        lines = ["[global]", "map to guest = bad user", "load printers = no", "disable netbios = yes"]
        lines += [f"{kind} directory = {_FOLDER}" for kind in _DIRECTORIES]
        lines += ["rpc start on demand helpers = no"] if self._rpc else []
        lines += [f"[{self.share}]", "path = /", "guest ok = yes"]
        conf = "\\n".join(lines)
        self.pair.see.run(
            self.server,
            ["sh", "-c", f'mkdir -p {_FOLDER} /run/samba; printf "{conf}\\n" > {_FOLDER}/smb.conf'],
        )
        programs = ["smbd", *([f"{self._rpc_program()} --libexec-rpcds"] if self._rpc else [])]
        options = f"--foreground --no-process-group -s {_FOLDER}/smb.conf -l {_FOLDER}"
        self._jobs = [self._start(self.server, f"exec {program} {options}") for program in programs]
        self.await_client()
        return self

    def _rpc_program(self) -> str:
        found = self.pair.see.run(
            self.server, ["sh", "-c", f'PATH="$PATH:{_RPC_PATHS}" command -v {_RPC}']
        ).stdout.strip()
        if not found:
            raise NotRun(f"{_RPC} is not installed on {self.server}")
        return found

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.server not in self.pair.now.powered:
            return  # it went with its server
        self._signal("CONT")
        self._signal("TERM")
        for job in self._jobs:
            self._stop(job)

    @contextlib.contextmanager
    def watched_by(self, server: str, argv: Sequence[str]) -> Iterator[None]:
        """A command that runs beside, on a server."""
        job = self.pair.adapter.request("run", {"host": server, "argv": list(argv), "background": True})[
            "job"
        ]
        try:
            yield
        finally:
            self._stop(str(job))

    def await_client(self) -> None:
        """Wait until a client on the other server can use the share."""
        address = self.pair.see.fixed[self.server]
        argv = ["smbclient", f"//{address}/{self.share}", "--no-pass", "--command", "exit"]
        wait_for(
            lambda: self.pair.see.run("server1", argv).returncode,
            lambda status: status == 0,
            DEADLINE_S,
            f"{self.share} of {self.server} to be accessible",
        )

    def stall(self) -> None:
        """Let the file service stand still: the system accepts connections, and nobody answers on them."""
        self._signal("STOP")

    def go_on(self) -> None:
        """Let it go on."""
        self._signal("CONT")

    def _signal(self, name: str) -> None:
        self.pair.see.run(self.server, ["sh", "-c", f"kill -{name} $(cat {_FOLDER}/smbd.pid); true"])

    def _start(self, host: str, text: str) -> str:
        answer = self.pair.adapter.request(
            "run", {"host": host, "argv": ["sh", "-c", text], "background": True}
        )
        try:
            return str(answer["job"])
        except KeyError:
            raise AdapterError(f"run: no job: {answer!r}") from None

    def _stop(self, job: str) -> None:
        self.pair.adapter.request("job", {"job": job, "action": "stop"})


# Samba keeps names that were looked up in folders of the system: a client with folders of its own remembers none.
_FORGETFUL = """
d=$(mktemp -d); mkdir $d/etc; printf '[global]\\n' > $d/etc/smb.conf; printf '%s\\n' "$1" > $d/etc/lmhosts; shift
mount --bind $d/etc /etc/samba
"$@" --option="cache directory=$d" --option="lock directory=$d" --option="name cache timeout=0"
ended=$?; umount /etc/samba; rm -rf $d; exit $ended
"""


@dataclass(frozen=True)
class Resolver:
    """By what a client finds names: `bcast`, `lmhosts` with the lines of that file, or `wins` with its servers."""

    order: str
    lmhosts: str = ""
    wins: tuple[str, ...] = ()

    @property
    def options(self) -> list[str]:
        """The same as settings of smb.conf; no other way to find a name is left."""
        asked = [f"--option=wins server={' '.join(self.wins)}"] if self.wins else []
        return [f"--option=name resolve order={self.order}", *asked]


BROADCAST = Resolver("bcast")


def connects(pair: Pair, host: str, name: str, share: str, by: Resolver, *words: str) -> bool:
    """Whether an SMB client on a host that knows only the name comes to the share."""
    argv = ["smbclient", f"//{name}/{share}", "--no-pass", *words, *by.options, "--command", "exit"]
    return _client(pair, host, argv, by) == 0


def calls(pair: Pair, host: str, binding: str, by: Resolver) -> bool:
    """Whether a remote procedure call from a host is answered: `NAME` by a named pipe, `ncacn_ip_tcp:NAME` by TCP."""
    argv = ["rpcclient", "--user=%", binding, *by.options, "--command", "srvinfo"]
    return _client(pair, host, argv, by) == 0


def _client(pair: Pair, host: str, argv: list[str], by: Resolver) -> int:
    pair.see.need(host, argv[0])
    isolated = ["unshare", "--mount", "sh", "-c", _FORGETFUL, "sh", by.lmhosts]
    return pair.see.run(host, [*isolated, *argv], timeout_s=60).returncode
