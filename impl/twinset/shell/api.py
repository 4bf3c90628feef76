"""The daemon's socket: one JSON object a line, {"id", "verb", "args"} -> {"id", "ok", "result" | "error"}.

Requests of one connection run side by side; answers carry the id. Nothing that arrives here can end the
daemon: a line that is too long, no JSON or no request gets an error, a handler that fails gets logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal, TwinsetError

if TYPE_CHECKING:
    from pathlib import Path

LINE_BYTES_MAX: Final = 1024 * 1024
CONNECTIONS_MAX: Final = 64
REQUESTS_PER_CONNECTION_MAX: Final = 16

Handler = Callable[[str, dict[str, Any]], Awaitable[Any]]


class ApiServer:
    """Listens on a Unix socket and calls the handler for each request."""

    def __init__(self, path: Path, handler: Handler, failed: Callable[[str, BaseException], None]) -> None:
        self._path = path
        self._handler = handler
        self._failed = failed
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to listen. The caller holds the daemon's lock, so a socket that is there is a dead one's."""
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._accepted, path=str(self._path), limit=LINE_BYTES_MAX
            )
        finally:
            os.umask(mask)

    async def stop(self) -> None:
        """Stop listening, end the connections."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("start_unix_server runs callbacks in tasks")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            if len(self._connections) > CONNECTIONS_MAX:
                await _answer(writer, None, error("E_LIMIT", f"more than {CONNECTIONS_MAX} connections"))
            else:
                await self._serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        free = asyncio.Semaphore(REQUESTS_PER_CONNECTION_MAX)
        async with asyncio.TaskGroup() as requests:
            while True:
                try:
                    line = await reader.readline()
                except ValueError:
                    await _answer(
                        writer, None, error("E_RANGE", f"a line longer than {LINE_BYTES_MAX} bytes")
                    )
                    break
                if not line:
                    break
                if not line.strip():
                    continue
                await free.acquire()
                request = requests.create_task(self._request(line, writer))
                request.add_done_callback(lambda _: free.release())

    async def _request(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        request_id, verb, args, fault = parse_request(line)
        answer = error("E_RANGE", fault) if fault else await self._call(verb, args)
        with contextlib.suppress(OSError):
            await _answer(writer, request_id, answer)

    async def _call(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"ok": True, "result": await self._handler(verb, args)}
        except Refusal as refusal:
            return {"ok": False, "error": refusal.as_json()}
        except TwinsetError as failure:
            return error("E_FAILED", str(failure))
        except Exception as failure:  # noqa: BLE001 - a bug in one verb is no reason to leave the cluster
            self._failed(verb, failure)
            return error("E_INTERNAL", f"{verb} failed inside twinsetd; its log has the details")


def error(code: str, message: str) -> dict[str, Any]:
    """Return an answer that refuses."""
    return {"ok": False, "error": {"code": code, "message": message, "clause": "", "help": ""}}


def parse_request(line: bytes) -> tuple[Any, str, dict[str, Any], str]:
    """Return id, verb, args and what is wrong with the line ("" when nothing is)."""
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return None, "", {}, "a request is one JSON object on one line"
    if not isinstance(body, dict):
        return None, "", {}, f"a request is a JSON object, not {type(body).__name__}"
    request_id, verb, args = body.get("id"), body.get("verb"), body.get("args", {})
    if not isinstance(request_id, (int, str, type(None))):
        return None, "", {}, "id must be a number or a string"
    if not isinstance(verb, str) or not verb:
        return request_id, "", {}, "verb must be a string such as cluster.status"
    if not isinstance(args, dict):
        return request_id, verb, {}, f"args must be an object, not {type(args).__name__}"
    return request_id, verb, args, ""


async def _answer(writer: asyncio.StreamWriter, request_id: Any, answer: dict[str, Any]) -> None:
    try:
        line = json.dumps({"id": request_id, **answer})
    except (TypeError, ValueError):
        line = json.dumps({"id": request_id, **error("E_INTERNAL", "the answer cannot be written as JSON")})
    writer.write(line.encode() + b"\n")
    await writer.drain()
