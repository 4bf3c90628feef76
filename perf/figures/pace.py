"""How far a run is and how long it still takes. Pure: the clock is the caller's."""

from collections.abc import Sequence


class Pace:
    """Estimated seconds of each step, corrected by how the steps so far compared with their estimates."""

    def __init__(self, estimates_s: Sequence[float]) -> None:
        self._estimates = list(estimates_s)
        self._done = 0
        self._measured_s = 0.0
        self._foreseen_s = 0.0
        self.beside_s = 0.0  # what is still to come beside the steps, as the making of another scene

    def step(self, took_s: float) -> None:
        """Another step has ended."""
        if self._done < len(self._estimates):
            self._foreseen_s += self._estimates[self._done]
            self._done += 1
            self._measured_s += took_s

    def skip(self) -> None:
        """The next step needs no time: it was measured before."""
        self._done = min(self._done + 1, len(self._estimates))

    @property
    def factor(self) -> float:
        """How much longer steps take than foreseen."""
        return self._measured_s / self._foreseen_s if self._foreseen_s else 1.0

    @property
    def left_s(self) -> float:
        """Seconds until the end."""
        return sum(self._estimates[self._done :]) * self.factor + self.beside_s

    def __str__(self) -> str:
        left = f"{clock(self.left_s)} left" if self._done < len(self._estimates) else "done"
        return f"{self._done}/{len(self._estimates)}, {left}"


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
