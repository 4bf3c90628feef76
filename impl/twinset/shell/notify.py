"""Tells systemd that the daemon is ready and alive (sd_notify), when systemd wants to know."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Final

from twinset.shell import clock

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNS_PER_LIMIT: Final = 4  # one late sign of life is no death


def notify(state: str) -> None:
    """Send a state such as READY=1; nothing happens without NOTIFY_SOCKET."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(state.encode(), address)


def watchdog_s(environment: Mapping[str, str], pid: int) -> float:
    """Return how often systemd wants a sign of life of this process, with some to spare; 0.0: never."""
    text = environment.get("WATCHDOG_USEC", "")
    meant = environment.get("WATCHDOG_PID", str(pid))
    if not text.isdigit() or meant != str(pid):
        return 0.0
    return int(text) / 1_000_000 / SIGNS_PER_LIMIT


async def keep_watchdog() -> None:
    """Give signs of life for as long as the event loop turns; return at once where nobody waits for them."""
    interval_s = watchdog_s(os.environ, os.getpid())
    while interval_s:
        notify("WATCHDOG=1")
        await clock.pause(interval_s)
