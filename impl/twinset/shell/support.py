"""Both servers in one place, for people: the support bundle, and the events of both on one clock.

The other server is asked over a connection of its own (kind "support"), authenticated with the cluster key. When it
cannot be asked, the answer says so and holds what is here: that is when it is needed most.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import tarfile
import time
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import ProtocolError, Refusal
from twinset.monitoring import timeline
from twinset.monitoring.timeline import Offset
from twinset.shell import clock, control_channel, evidence, store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from twinset.shell.control_channel import Channel
    from twinset.shell.daemon import Daemon

KIND: Final = "support"
CONNECT_S: Final = 3.0
ANSWER_S: Final = 120.0
CHUNK_BYTES: Final = 512 * 1024
BUNDLE_BYTES_MAX: Final = 256 << 20
EVENTS_MAX: Final = 4096
BUNDLES_KEPT: Final = 3
FOLDER: Final = "support"


class Support:
    """Asks and answers, on one server."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    # -- asked here -------------------------------------------------------------------------------------

    async def timeline(self, limit: int) -> dict[str, Any]:
        """Return the newest events of both servers, merged."""
        mine = self._events(limit)
        theirs, offset, reason = await self._events_there(limit)
        rows = timeline.merged(mine, theirs, offset)
        return {"events": rows, "clock_of": self._daemon.me, "other": reason, **offset.to_json()}

    async def collect(self) -> dict[str, Any]:
        """Write a bundle of both servers; return its path and what is missing from it."""
        daemon = self._daemon
        mine, (theirs, reason), merged = await asyncio.gather(
            self._files(), self._files_there(), self.timeline(EVENTS_MAX)
        )
        files = {f"{daemon.me}/{name}": data for name, data in mine.items()}
        files |= {f"{self._peer_name()}/{name}": data for name, data in theirs.items()}
        lines = [json.dumps(row, sort_keys=True) for row in merged["events"]]
        files["timeline.jsonl"] = evidence.blanked("\n".join(lines)).encode() + b"\n"
        clocks = {key: merged[key] for key in ("clock_of", "other", "offset_s", "error_s")}
        files["clock.json"] = json.dumps(clocks, indent=1).encode()
        path = await asyncio.to_thread(self._write, files)
        return {"path": path, "files": len(files), "other": reason, "bytes": os.stat(path).st_size}  # noqa: PTH116

    def _write(self, files: dict[str, bytes]) -> str:
        """One archive, readable by its owner only; the oldest ones go."""
        folder = self._daemon.paths.state / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        for old in sorted(folder.glob("twinset-*.tar.gz"))[: -(BUNDLES_KEPT - 1)]:
            old.unlink(missing_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock.wall()))
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, data in sorted(files.items()):
                info = tarfile.TarInfo(f"twinset-{stamp}/{name}")
                info.size, info.mode, info.mtime = len(data), 0o600, int(clock.wall())
                archive.addfile(info, io.BytesIO(data))
        path = folder / f"twinset-{stamp}.tar.gz"
        store.write_atomic(path, buffer.getvalue())
        return str(path)

    def _events(self, limit: int) -> list[dict[str, Any]]:
        log = self._daemon.event_log
        return log.since(max(0, log.last_number - limit), limit)

    async def _files(self) -> dict[str, bytes]:
        daemon, live, trace = self._daemon, {}, ""
        if daemon.runtime is not None:
            for name, verb in (
                ("status", "cluster.status"),
                ("mirrors", "mirror.status"),
                ("groups", "group.list"),
            ):
                try:
                    async with asyncio.timeout(10):
                        live[name] = await daemon.runtime.request(verb, {})
                except (Refusal, TimeoutError) as error:
                    live[name] = {"error": str(error)}
            trace = daemon.runtime.trace_text()
        return await evidence.gather(daemon.paths, daemon.me, live, trace)

    # -- the other server -------------------------------------------------------------------------------

    def _peer_name(self) -> str:
        config = self._daemon.configure.active()
        return "other" if config is None else config.peer_of(self._daemon.me).name

    async def reach(self, kind: str = KIND) -> Channel:
        """Return a connection to the other server; OSError or ProtocolError with why there is none."""
        daemon, config = self._daemon, self._daemon.configure.active()
        if config is None or daemon.keys is None:
            raise OSError("there is no cluster here")
        peer, reason = config.peer_of(daemon.me).name, "no LAN leads to it"
        for lan in config.lans:
            own = control_channel.hello(kind, daemon.me, daemon.instance)
            try:
                return await control_channel.connect(daemon.keys, own, None, lan.endpoint(peer).ip, CONNECT_S)
            except (OSError, ProtocolError) as error:
                reason = str(error)
        raise OSError(f"{peer} cannot be reached: {reason}")

    async def _events_there(self, limit: int) -> tuple[list[dict[str, Any]], Offset, str]:
        try:
            channel = await self.reach()
        except (OSError, ProtocolError) as error:
            return [], Offset(), str(error)
        found: list[dict[str, Any]] = []
        offset = Offset()
        try:
            async with asyncio.timeout(ANSWER_S):
                asked = clock.wall()
                channel.send({"t": "clock"})
                async for frame in channel.frames():
                    if frame.get("t") == "clock":
                        offset = timeline.offset(asked, float(frame["wall_s"]), clock.wall())
                        channel.send({"t": "events", "limit": limit})
                    elif frame.get("t") == "events":
                        found += [each for each in frame["events"] if _is_event(each)]
                    if frame.get("t") == "end" or len(found) > EVENTS_MAX:
                        break
        except (OSError, ProtocolError, TimeoutError, KeyError, TypeError, ValueError) as error:
            return found, offset, f"the other server's events are incomplete: {error!r}"
        finally:
            channel.close()
        return found, offset, ""

    async def _files_there(self) -> tuple[dict[str, bytes], str]:
        files: dict[str, bytes] = {}
        try:
            channel = await self.reach()
        except (OSError, ProtocolError) as error:
            return {}, str(error)
        total = 0
        try:
            async with asyncio.timeout(ANSWER_S):
                channel.send({"t": "files"})
                async for frame in channel.frames():
                    if frame.get("t") == "end":
                        return files, ""
                    name, data = str(frame["name"]), base64.b64decode(frame["data"])
                    total += len(data)
                    if total > BUNDLE_BYTES_MAX or name.startswith("/") or ".." in name.split("/"):
                        raise ProtocolError(f"a file that is not taken: {name!r:.100}")  # noqa: TRY301
                    files[name] = files.get(name, b"") + data
        except (OSError, ProtocolError, TimeoutError, KeyError, TypeError, ValueError) as error:
            return files, f"the other server's part is incomplete: {error!r}"
        finally:
            channel.close()
        return files, "the other server's part is incomplete"

    # -- asked there ------------------------------------------------------------------------------------

    async def serve(self, channel: Channel) -> None:
        """Answer the other server."""
        async for frame in channel.frames():
            if frame.get("t") == "clock":
                channel.send({"t": "clock", "wall_s": clock.wall()})
            elif frame.get("t") == "events":
                limit = max(1, min(EVENTS_MAX, int(frame.get("limit", EVENTS_MAX))))
                await self._send(channel, _portions(self._events(limit)))
            elif frame.get("t") == "files":
                await self._send(channel, _pieces(await self._files()))
            else:
                raise ProtocolError(f"unexpected request {frame.get('t')!r}")

    @staticmethod
    async def _send(channel: Channel, frames: AsyncIterator[dict[str, Any]]) -> None:
        async for frame in frames:
            channel.send(frame)
            await channel.drained()
        channel.send({"t": "end"})
        await channel.drained()


async def _portions(entries: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    for start in range(0, len(entries), 50):
        yield {"t": "events", "events": entries[start : start + 50]}


async def _pieces(files: dict[str, bytes]) -> AsyncIterator[dict[str, Any]]:
    for name, data in files.items():
        for start in range(0, max(1, len(data)), CHUNK_BYTES):
            piece = base64.b64encode(data[start : start + CHUNK_BYTES]).decode()
            yield {"t": "file", "name": name, "data": piece}


def _is_event(value: Any) -> bool:
    match value:
        case {"seq": int(), "time": int() | float(), "event": str(), "server": str(), "severity": str()}:
            return True
    return False
