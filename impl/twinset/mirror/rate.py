"""How fast something long goes, over the last seconds, and how long the rest takes."""

from __future__ import annotations


class Rate:
    """Samples of bytes done over a sliding window of time."""

    def __init__(self, window_ms: int) -> None:
        self.window_ms = window_ms
        self._samples: list[tuple[int, int]] = []

    def reset(self) -> None:
        """Forget the past: it says nothing of what goes on now."""
        self._samples.clear()

    def figures(self, now_ms: int, done: int, left: int) -> dict[str, object]:
        """Take a sample; return bytes a second and the seconds left (null while nobody knows)."""
        samples = self._samples
        samples.append((now_ms, done))
        while len(samples) > 2 and samples[0][0] < now_ms - self.window_ms:
            samples.pop(0)
        (first_ms, first_bytes), (last_ms, last_bytes) = samples[0], samples[-1]
        rate = (last_bytes - first_bytes) * 1000 // (last_ms - first_ms) if last_ms > first_ms else 0
        return {
            "rate_bytes_s": rate,
            "left_s": round(left / rate, 1) if rate > 0 else (0 if not left else None),
        }
