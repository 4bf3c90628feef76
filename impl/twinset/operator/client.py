"""The command's side of the daemon's socket: one request, one answer, no decisions."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import DaemonUnreachable, Refusal
from twinset.operator import password

if TYPE_CHECKING:
    from pathlib import Path

CONNECT_S: Final = 5.0
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024


class Client:
    """A connection to twinsetd."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(CONNECT_S)
        self._pending = b""
        self._number = 0
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise DaemonUnreachable(
                f"twinsetd does not answer on {path} ({error.strerror}): is it running, are you root?"
            ) from None

    def call(self, verb: str, timeout_s: float | None = None, **args: Any) -> Any:
        """Return the result; Refusal when it is refused, DaemonUnreachable when nobody answers.

        When it is refused for want of the cluster password, a person at a terminal is asked for it, once.
        """
        try:
            return self._call(verb, timeout_s, {**args, **password.shown()})
        except Refusal as refusal:
            if not password.ask(refusal):
                raise
        return self._call(verb, timeout_s, {**args, **password.shown()})

    def _call(self, verb: str, timeout_s: float | None, args: dict[str, Any]) -> Any:
        self._number += 1
        request = {"id": self._number, "verb": verb, "args": {k: v for k, v in args.items() if v is not None}}
        self._socket.settimeout(timeout_s)
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            answer = self._answer()
        except TimeoutError:
            raise DaemonUnreachable(f"twinsetd did not answer {verb} within {timeout_s:g} s") from None
        except OSError as error:
            raise DaemonUnreachable(f"twinsetd went away while it worked on {verb}: {error}") from None
        if answer.get("ok") is True:
            return answer.get("result")
        error_body = answer.get("error")
        body = error_body if isinstance(error_body, dict) else {}
        raise Refusal(
            str(body.get("code", "E_STATE")),
            str(body.get("message", "refused without a reason")),
            str(body.get("clause", "")),
            str(body.get("help", "")),
        )

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _answer(self) -> dict[str, Any]:
        while True:
            line, newline, rest = self._pending.partition(b"\n")
            if newline:
                self._pending = rest
                body = json.loads(line)
                if isinstance(body, dict) and body.get("id") in (self._number, None):
                    return body
                continue
            if len(self._pending) > ANSWER_BYTES_MAX:
                raise OSError("an answer without end")
            data = self._socket.recv(1 << 16)
            if not data:
                raise OSError("it closed the connection")
            self._pending += data
