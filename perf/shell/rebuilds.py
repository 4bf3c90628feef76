"""Rows that are measured while a copy runs: what it costs the client, and how fast it goes beside it.

On slowed disks a copy takes so long that one window tells more: there fio ends when half of the disk is copied, and
the other half, which nobody disturbs, tells the idle rate of the same copy. At saturation (``to_the_end``) fio goes on
until the copy has ended: that it ends is what is to be seen.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.wait import now_s, wait_for
from perf.figures import fio_output
from perf.figures.fio_output import Figures
from perf.figures.jobs import Target
from perf.figures.results import Measurement
from perf.shell import machine
from perf.shell.bench import Bench, Run
from perf.shell.copies import HIGH_SPEED_PERCENT, Copies

WINDOWS_MAX = 6
COPY_S = 600.0
SLOW_PERCENT = 5  # of the disk, for a copy to the end on slowed disks under all the load there can be
MIB = 1 << 20
Start = Callable[[str, list[Target], int, float], Run]  # job, targets, round, seconds


@dataclass(frozen=True)
class Window:
    """One run of fio during one copy; what came after it, if anything was left to copy."""

    figures: Figures
    copying_s: float
    copied_bytes: int
    cpu_s: dict[str, float]
    ended: bool = True
    idle: dict[str, float] = field(
        default_factory=dict
    )  # seconds and bytes of the rest that nobody disturbed


class Rebuilds:
    """Copies beside a client, on one pair."""

    def __init__(self, pair: Bench, copies: Copies, seconds: float, start: Start) -> None:
        self._pair = pair
        self._copies = copies
        self._seconds = seconds
        self._start = start

    def measure(self, job: str, number: int, *, blank: bool) -> Measurement:
        """As many copies as the time needs: fio ends with each, so that only copying is measured."""
        slow = self._pair.condition.throttled
        windows: list[Window] = []
        left = self._seconds
        while left > self._seconds / 10 and len(windows) < WINDOWS_MAX:
            to_the_end = slow and not blank
            window = self._window(
                job, number, COPY_S if to_the_end else left, blank=blank, half=slow and blank
            )
            windows.append(window)
            left -= window.figures.seconds
        return summed(windows)

    def _window(self, job: str, number: int, seconds: float, *, blank: bool, half: bool) -> Window:
        pair = self._pair
        if blank:
            pair.to_broken()
        else:
            self._copies.differ(number, SLOW_PERCENT if pair.condition.throttled else HIGH_SPEED_PERCENT)
        pair.return_standby(blank=blank)
        before = pair.cpu_seconds()
        run = self._start(job, pair.targets[1], number, seconds)
        try:
            pair.await_requests(lambda: run.ended)
            begin = now_s()
            pair.permit_copy()
            wait_for(
                lambda: run.ended or pair.copy_has_ended() or (half and _half_done(pair.status())),
                seconds + COPY_S, "the copy to end", poll_s=pair.poll_s,
            )  # fmt: skip
            copying_s = now_s() - begin
            status = pair.status()
            run.stop()
            figures = fio_output.total(run.figures(seconds))
        except BaseException:
            with contextlib.suppress(Exception):
                run.kill()
            raise
        used = machine.used_s(before, pair.cpu_seconds())
        ended = not status.get("copy")
        return Window(
            figures, copying_s, _copied(status), used, ended, {} if ended else self._rest(copying_s)
        )

    def _rest(self, seconds: float) -> dict[str, float]:
        """The rest of the copy, with no client: so long as that window was; what is left then is not measured."""
        pair = self._pair
        begin, done = now_s(), _copied(pair.status())
        wait_for(
            lambda: pair.copy_has_ended() or now_s() - begin >= seconds,
            seconds + COPY_S,
            "as long again",
            poll_s=pair.poll_s,
        )
        idle = {"seconds": now_s() - begin, "bytes": float(_copied(pair.status()) - done)}
        with pair.unslowed():
            pair.await_normal(COPY_S)
        return idle


def _copied(status: dict[str, Any]) -> int:
    copy = status.get("copy")
    return int(copy["bytes_done"] if copy else status.get("copied_bytes_last", 0))


def _half_done(status: dict[str, Any]) -> bool:
    copy = status.get("copy")
    return copy is not None and bool(2 * copy["bytes_done"] >= copy["bytes_total"])


def summed(windows: list[Window]) -> Measurement:
    """Several windows as one measurement."""
    figures = fio_output.joined([window.figures for window in windows])
    copying_s = sum(window.copying_s for window in windows)
    sides = set().union(*(window.cpu_s for window in windows))
    rebuild = {
        "share": min(1.0, copying_s / figures.seconds),
        "mib_s": sum(window.copied_bytes for window in windows) / MIB / copying_s,
        "windows": float(len(windows)),
        "ended": float(all(window.ended for window in windows)),
    }
    idle = [window.idle for window in windows if window.idle]
    if idle:
        rebuild["idle_mib_s"] = sum(one["bytes"] for one in idle) / MIB / sum(one["seconds"] for one in idle)
    return Measurement(
        figures,
        {name: sum(w.cpu_s.get(name, 0) for w in windows) * 1e6 / figures.ops for name in sides},
        rebuild,
    )
