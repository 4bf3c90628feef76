"""A file server on a server of the pair: Samba's smbd with one share, which the suite can make stand still."""

import contextlib
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from conformance.suite.errors import AdapterError
from conformance.suite.pair import DEADLINE_S, Pair
from conformance.suite.wait import wait_for

_DIRECTORIES = ("lock", "state", "cache", "pid", "private", "ncalrpc")
_FOLDER = "/run/conformance-smb"


class Shared:
    """One share, as long as this lasts."""

    def __init__(self, pair: Pair, server: str, share: str) -> None:
        self.pair = pair
        self.server = server
        self.share = share
        self._job = ""

    def __enter__(self) -> Self:
        for host, program in ((self.server, "smbd"), ("server1", "smbclient")):
            self.pair.see.need(host, program)
        lines = ["[global]", "map to guest = bad user", "load printers = no", "disable netbios = yes"]
        lines += [f"{kind} directory = {_FOLDER}" for kind in _DIRECTORIES]
        lines += [f"[{self.share}]", "path = /", "guest ok = yes"]
        conf = "\\n".join(lines)
        self._job = self._start(
            self.server,
            f'mkdir -p {_FOLDER} /run/samba; printf "{conf}\\n" > {_FOLDER}/smb.conf; '
            f"exec smbd --foreground --no-process-group -s {_FOLDER}/smb.conf -l {_FOLDER}",
        )
        self.await_client()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._signal("CONT")
        self._signal("TERM")
        self._stop(self._job)

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
