"""Client of the control socket of one twinset-mirrord: requests keep their order, answers come by id."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import TwinsetError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

LINE_BYTES_MAX: Final = 1024 * 1024
UNSENT_BYTES_MAX: Final = 1024 * 1024
_GONE: Final = {"ok": False, "error": {"message": "the mirror process does not run"}}


class MirrorRefused(TwinsetError):  # noqa: N818 - named for the fact
    """The mirror process refused a request, or could not be asked; the text is its reason."""


class MirrorControl:
    """One connection at a time; `open` makes a new one after the process was restarted."""

    def __init__(self, path: Path, notified: Callable[[dict[str, Any]], None]) -> None:
        self.path = path
        self._notified = notified
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._next_id = 1
        self.closed = asyncio.Event()
        self.closed.set()

    @property
    def is_open(self) -> bool:
        """True while requests can be sent."""
        return self._writer is not None

    async def open(self) -> None:
        """Connect; OSError when nobody listens."""
        self.close()
        reader, self._writer = await asyncio.open_unix_connection(str(self.path), limit=LINE_BYTES_MAX)
        self.closed = asyncio.Event()
        self._reading = asyncio.create_task(self._read(reader, self._writer))

    def close(self) -> None:
        """End the connection; every request that waits is refused."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.transport.abort()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self._fail_all()
        self.closed.set()

    def tell(self, verb: str, args: dict[str, Any]) -> bool:
        """Send a request whose answer does not matter; False when there is no connection."""
        return self._send(verb, args) is not None

    def ask(self, verb: str, args: dict[str, Any], timeout_s: float) -> Coroutine[Any, Any, dict[str, Any]]:
        """Send a request now; return what waits for its answer (MirrorRefused when it is refused)."""
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        request_id = self._send(verb, args)
        if request_id is None:
            future.set_result(_GONE)
        else:
            self._waiting[request_id] = future
        return self._answer(future, request_id, verb, timeout_s)

    async def _answer(
        self, future: asyncio.Future[dict[str, Any]], request_id: int | None, verb: str, timeout_s: float
    ) -> dict[str, Any]:
        try:
            async with asyncio.timeout(timeout_s):
                answer = await future
        except TimeoutError:
            raise MirrorRefused(f"{verb}: no answer of the mirror process within {timeout_s:g} s") from None
        finally:
            if request_id is not None:
                self._waiting.pop(request_id, None)
        if answer.get("ok") is True:
            result = answer.get("result")
            return result if isinstance(result, dict) else {}
        raise MirrorRefused(_reason(answer))

    def _send(self, verb: str, args: dict[str, Any]) -> int | None:
        writer = self._writer
        if writer is None or writer.transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            return None
        request_id, self._next_id = self._next_id, self._next_id + 1
        writer.write(json.dumps({**args, "id": request_id, "verb": verb}).encode() + b"\n")
        return request_id

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self._line(line)
        except (OSError, ValueError):
            pass
        finally:
            writer.transport.abort()
            if self._writer is writer:
                self._writer = None
                self._fail_all()
                self.closed.set()

    def _line(self, line: bytes) -> None:
        try:
            body = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(body, dict):
            return
        if "event" in body:
            self._notified(body)
        elif isinstance(body.get("id"), int):
            future = self._waiting.get(body["id"])
            if future is not None and not future.done():
                future.set_result(body)

    def _fail_all(self) -> None:
        for future in self._waiting.values():
            with contextlib.suppress(asyncio.InvalidStateError):
                future.set_result(_GONE)


def _reason(answer: dict[str, Any]) -> str:
    error = answer.get("error")
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return str(error["message"])
    return "refused without a reason"
