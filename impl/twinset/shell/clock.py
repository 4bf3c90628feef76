"""The clocks of the daemon, and the only place where it waits for time to pass."""

from __future__ import annotations

import asyncio
import time


def now_ms() -> int:
    """Milliseconds that pass also while the machine sleeps; no relation to the time of day."""
    return boottime_ns() // 1_000_000


def boottime_ns() -> int:
    """CLOCK_BOOTTIME: the clock of the leases (mirror rule R13)."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def wall() -> float:
    """Seconds since 1970, for the event log only; no decision depends on it."""
    return time.time()


async def pause(seconds: float) -> None:
    """Wait. Everything in the daemon that waits for time, not for an event, comes through here."""
    await asyncio.sleep(max(0.0, seconds))


async def wait_event(event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set or the time is over; True when it is set."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True


class RateLimit:
    """At most one report per key and interval; counts what it swallowed."""

    def __init__(self, interval_s: float = 10.0, keys_max: int = 256) -> None:
        self._interval_ms = int(interval_s * 1000)
        self._keys_max = keys_max
        self._seen: dict[str, tuple[int, int]] = {}

    def admit(self, key: str, now: int | None = None) -> int | None:
        """Return how many were swallowed since the last report, or None when this one is swallowed too."""
        at = now_ms() if now is None else now
        last, swallowed = self._seen.get(key, (at - self._interval_ms, 0))
        if at - last < self._interval_ms:
            self._seen[key] = (last, swallowed + 1)
            return None
        if len(self._seen) >= self._keys_max and key not in self._seen:
            self._seen.pop(next(iter(self._seen)))
        self._seen[key] = (at, 0)
        return swallowed
