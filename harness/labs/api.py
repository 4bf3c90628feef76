"""Asks a server's daemons over their own Unix sockets, reached through the server's mount namespace.

An operator's command starts an interpreter each time; waiting for a fact asks often, so it asks this way.
"""

import json
import socket
from typing import Any

from harness.errors import CommandFailed

DAEMON_SOCKET = "/run/twinset/twinsetd.sock"
ANSWER_BYTES_MAX = 16 << 20


def mirror_socket(set_name: str) -> str:
    """The control socket of a mirror set's process."""
    return f"/run/twinset/mirror-{set_name}.sock"


class ApiRefused(CommandFailed):
    """The daemon answered with a refusal; `error` is its own error object."""

    def __init__(self, text: str, error: Any) -> None:
        super().__init__(text)
        self.error: dict[str, Any] = error if isinstance(error, dict) else {"message": str(error)}


def ask(pid: int, path: str, message: dict[str, Any], timeout_s: float = 20.0) -> socket.socket:
    """Send one request to ``path`` as that PID 1 sees it, and leave; the answer comes on the connection."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(f"/proc/{pid}/root{path}")
        connection.sendall(json.dumps({"id": 1, **message}).encode() + b"\n")
    except OSError:
        connection.close()
        raise
    return connection


def call(pid: int, path: str, message: dict[str, Any], timeout_s: float = 20.0) -> Any:
    """Send one request; return the result, or raise with the refusal."""
    try:
        with ask(pid, path, message, timeout_s) as connection:
            answer = _answer(connection)
    except OSError as error:
        raise CommandFailed(f"{path}: {error}") from error
    if not answer.get("ok"):
        raise ApiRefused(f"{path} refused {message}: {answer.get('error')}", answer.get("error"))
    return answer.get("result", answer)


def _answer(connection: socket.socket) -> dict[str, Any]:
    """The line that answers request 1; notifications that come before it are passed over."""
    pending = b""
    while len(pending) < ANSWER_BYTES_MAX:
        part = connection.recv(1 << 16)
        if not part:
            raise ConnectionResetError("closed without an answer")
        *lines, pending = (pending + part).split(b"\n")
        for line in lines:
            body = json.loads(line)
            if isinstance(body, dict) and body.get("id") == 1:
                return body
    raise OSError("an answer without end")
