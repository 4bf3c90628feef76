"""An adapter in Python: write a class with the verbs of ADAPTER.md as methods, and hand it to `serve`.

    class MyPort:
        def describe(self):
            return {"contract": 0, "port": "mine", "version": "1", "capabilities": [], "tiers": {"static": ""}}

        def validate(self, config):
            ...

    if __name__ == "__main__":
        serve(MyPort())

This module needs nothing but Python, so that it can be copied beside a port.
"""

import json
import sys
import traceback
from typing import IO, Any, Protocol

Answer = dict[str, Any]
CONTRACT = 0


class PortError(Exception):
    """One of the four errors that a verb may end with; `code` is a class of error of the contract."""

    kind = "failed"

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Unsupported(PortError):  # noqa: N818 - an answer of the port
    """The port or its adapter does not have this."""

    kind = "unsupported"


class Refused(PortError):  # noqa: N818 - an answer of the port
    """The port refused: its state or the input forbids it."""

    kind = "refused"


class TimedOut(PortError):  # noqa: N818 - an answer of the port
    """The port did not finish in time."""

    kind = "timeout"


class StaticPort(Protocol):
    """What the static tier asks; the arguments have the names of the contract. Methods left out are unsupported."""

    def describe(self) -> Answer:
        """Who the port is, and what can be asked of it here."""

    def validate(self, config: Answer) -> Answer:
        """`accepted` and `findings` about a configuration."""

    def estimate(self, what: str, **args: Any) -> Answer:
        """An estimate of that kind; Unsupported for kinds that the port does not know."""

    def inspect_disk(self, disk: Answer, other: Answer | None = None) -> Answer:
        """`accepted` and `findings` about a disk."""


class PairPort(StaticPort, Protocol):
    """What the pair tier asks beside that."""

    def provision(self, disk_mib: int, disks: int) -> Answer:
        """Two servers and a client; no cluster."""

    def reset(self) -> Answer:
        """As after provision."""

    def apply(self, config: Answer) -> Answer:
        """Create the cluster of this configuration, or raise Refused and change nothing."""

    def operate(self, op: str, **args: Any) -> Answer:
        """An operator's command; returns when it was accepted."""

    def status(self, seen_by: str) -> Answer:
        """The status as that server sees it."""

    def events(self, since: int = 0, server: str = "") -> Answer:
        """Entries of the event log above a number."""

    def power(self, server: str, action: str) -> Answer:
        """`cut` or `on`."""

    def link(self, action: str, network: str = "", server: str = "") -> Answer:
        """`cut` or `heal`."""

    def pause(self, server: str, action: str) -> Answer:
        """`pause` or `resume`."""

    def run(self, host: str, argv: list[str], timeout_s: float = 30, background: bool = False) -> Answer:
        """Run a command on a host."""

    def job(self, job: str, action: str) -> Answer:
        """`read` what a command in the background printed, or `stop` it."""

    def copies(self, set: str) -> Answer:  # noqa: A002 - the contract's word
        """Where the raw copies of a set can be read."""

    def access(self, group: str, server: str) -> Answer:
        """Ways to the data of a group on a server."""

    def collect(self, dir: str) -> Answer:  # noqa: A002 - the contract's word
        """Copy logs into a folder."""

    def teardown(self) -> Answer:
        """End everything; at any time, also twice."""


def answer(port: object, line: str) -> Answer:
    """What a line of the suite is answered with: there is an answer to whatever it is."""
    try:
        asked = json.loads(line)
        number, verb, args = asked["id"], asked["verb"], dict(asked.get("args") or {})
    except (ValueError, TypeError, KeyError):
        return _error(None, "failed", "E_SYNTAX", "the line is no request")
    method = None if verb.startswith("_") else getattr(port, verb, None)
    if verb == "teardown" and method is None:
        return {"id": number, "ok": True, "result": {}}
    if not callable(method):
        return _error(number, Unsupported.kind, "", f"no verb {verb!r}")
    try:
        return {"id": number, "ok": True, "result": method(**args) or {}}
    except PortError as said:
        return _error(number, said.kind, said.code, str(said))
    except Exception as error:  # noqa: BLE001 - the suite gets an answer, the person reads standard error
        traceback.print_exc(file=sys.stderr)
        return _error(number, PortError.kind, "", f"{type(error).__name__}: {error}")


def _error(number: object, kind: str, code: str, message: str) -> Answer:
    return {"id": number, "ok": False, "error": {"kind": kind, "code": code, "message": message}}


def serve(port: object, requests: IO[str] = sys.stdin, answers: IO[str] = sys.stdout) -> None:
    """Answer line after line until the input ends. What a port prints by accident goes to standard error."""
    sys.stdout = sys.stderr
    for line in requests:
        if line.strip():
            answers.write(json.dumps(answer(port, line)) + "\n")
            answers.flush()
