"""`twinset key rotate`: another cluster key on both servers while the cluster runs (steps: wire/keyring.py).

Each step is durable before the next one. The new key travels over a connection that the present one authenticates,
sealed by a common secret of its own (wire/join.py), so whoever knows the old key and listens does not learn it.
Connections that are open stay open; new ones, and every heartbeat, are proved anew.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import ProtocolError, Refusal
from twinset.shell import store
from twinset.wire import join

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from twinset.shell.control_channel import Channel
    from twinset.shell.daemon import Daemon
    from twinset.wire.keyring import Keyring

KIND: Final = "key"
ANSWER_S: Final = 30.0
CONTEXT: Final = b"twinset key rotation 1"


class KeyRotation:
    """Asks and answers, on one server."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._hand = asyncio.Lock()

    async def rotate(self) -> dict[str, Any]:
        """Give both servers a new key; Refusal when the other one cannot be reached, and nothing changes."""
        daemon = self._daemon
        if self._hand.locked():
            raise Refusal("E_STATE", "key rotate: it is under way already")
        async with self._hand:
            try:
                channel = await daemon.support.reach(KIND)
            except (OSError, ProtocolError) as error:
                raise Refusal("E_STATE", f"key rotate: {error}; both servers have to be there") from None
            try:
                await self._carry_out(channel, secrets.token_bytes(join.KEY_BYTES))
            except (OSError, ProtocolError, TimeoutError) as error:
                reason = str(error) or "no answer in time"
                daemon.event_log.write("key_rotation_incomplete", "warning", {"reason": reason})
                text = f"key rotate: {reason}; both servers understand each other all the same"
                raise Refusal("E_STATE", text, help="twinset key rotate, once more") from None
            finally:
                channel.close()
        daemon.event_log.write("key_rotated", "info", {})
        return {"rotated": True}

    async def _carry_out(self, channel: Channel, new: bytes) -> None:
        answers = channel.frames()
        number = join.Number(secrets.token_bytes(join.SECRET_BYTES))
        offered = await _ask(channel, answers, {"t": "offer", "public": number.public.hex()})
        secret = number.common_secret(join.hex_field(offered, "public", join.NUMBER_BYTES), CONTEXT)
        sealed, mac = join.seal(new, secret)
        await _ask(channel, answers, {"t": "believe", "sealed": sealed.hex(), "mac": mac.hex()})
        await self._keep(self._ring().used(new))
        await _ask(channel, answers, {"t": "use"})
        await _ask(channel, answers, {"t": "settle"})
        await self._keep(self._ring().settled())

    async def serve(self, channel: Channel) -> None:
        """Answer the other server."""
        new, secret = b"", b""
        async for frame in channel.frames():
            kind, answer = frame.get("t"), {"t": "done"}
            if kind == "offer":
                number = join.Number(secrets.token_bytes(join.SECRET_BYTES))
                secret = number.common_secret(join.hex_field(frame, "public", join.NUMBER_BYTES), CONTEXT)
                answer["public"] = number.public.hex()
            elif kind == "believe" and secret:
                sealed = join.hex_field(frame, "sealed", join.KEY_BYTES)
                new = join.unseal(sealed, join.hex_field(frame, "mac", join.MAC_BYTES), secret)
                await self._keep(self._ring().offered(new))
            elif kind == "use" and new:
                await self._keep(self._ring().used(new))
            elif kind == "settle" and new:
                await self._keep(self._ring().settled())
                self._daemon.event_log.write("key_rotated", "info", {})
            else:
                raise ProtocolError(f"unexpected request {kind!r}")
            channel.send(answer)
            await channel.drained()

    def _ring(self) -> Keyring:
        if self._daemon.keys is None:
            raise ProtocolError("there is no cluster key here")
        return self._daemon.keys

    async def _keep(self, ring: Keyring) -> None:
        """Durable first, then in use."""
        await asyncio.to_thread(store.write_atomic, self._daemon.paths.key, ring.text())
        self._daemon.take_keys(ring)


async def _ask(
    channel: Channel, answers: AsyncIterator[dict[str, Any]], request: dict[str, Any]
) -> dict[str, Any]:
    channel.send(request)
    async with asyncio.timeout(ANSWER_S):
        try:
            answer = await anext(answers)
        except StopAsyncIteration:
            raise ProtocolError("closed") from None
    if answer.get("t") != "done":
        raise ProtocolError(f"unexpected answer {answer.get('t')!r}")
    return answer
