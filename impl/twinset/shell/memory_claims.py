"""Memory before a start: a mirror set that could not get what the guide's formula asks for is not started (4.5.1).

Sets start side by side, and a process takes its memory only when it is used. So what a set was promised counts
as taken for a while; after that it shows in what the system calls available, or it is not needed now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.guide.memory import set_memory_kib, shortage

from . import clock
from .available_memory import available_kib

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROMISED_MS: Final = 30_000


class MemoryClaims:
    """What the mirror sets of this server were promised lately."""

    def __init__(
        self,
        available: Callable[[], int | None] = available_kib,
        now_ms: Callable[[], int] = clock.now_ms,
    ) -> None:
        self._available = available
        self._now_ms = now_ms
        self._promised: dict[str, tuple[int, int]] = {}  # set -> KiB, until when

    def admit(self, spec: Mapping[str, Any]) -> str:
        """Promise a set its memory and return "", or return why there is not enough."""
        name, size, count = spec["set"], spec["max_io_kib"], spec["max_io_count"]
        now = self._now_ms()
        self._promised = {other: each for other, each in self._promised.items() if each[1] > now}
        claims = {other: kib for other, (kib, _) in self._promised.items()}
        left = self._available()
        reason = "" if left is None else shortage(name, size, count, left, claims)
        if not reason:
            self._promised[name] = (set_memory_kib(size, count), now + PROMISED_MS)
        return reason
