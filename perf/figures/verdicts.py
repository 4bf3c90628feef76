"""The guide's own figures as verdicts on a run: clause, what was wanted, what was seen. Pure.

A ratio is judged by its 90 % interval: *met* when the whole of it keeps the figure, *missed* when the whole of it
misses it, *open* when the figure lies within: more rounds, or a quieter machine, would tell. With one round the ratio
itself decides. The guide speaks of ordinary disks, so its shares are judged on throttled ones; the same share on the
machine's own disk is *told*, not judged.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from perf.figures import spreads
from perf.figures.conditions import CONDITIONS, key
from perf.figures.matrix import LIGHT, MIX, WRITE_SHARES
from perf.figures.results import (
    BROKEN,
    CONTIGUOUS_PERCENT,
    DIFFERENCE_PERCENT,
    FULL,
    MIRRORED,
    NO_FASTSYNC,
    RAW,
    REBUILD,
    Results,
)
from perf.figures.spreads import Interval, Spread

MET, MISSED, OPEN, TOLD, NOT_MEASURED = "met", "missed", "open", "told", "not measured"
GIB_S: Final = {
    "4.4.1-04": 390,
    "4.4.1-05": 660,
    "4.4.1-06": 240,
}  # single disk, RAID5 write-through, write-back
SET_KIB: Final = 18_432  # 4.5.1-05, with the defaults
HEARTBEAT_S, TIMEOUT_S = 3, 30  # 9.1-03; the suite leaves time unscaled
SUM_TOLERANCE = 0.10
# What ends each part of a switch of servers: events of the survivor's log, and the client's first answer.
STAGES = (
    "heartbeat_lost", "server_down", "mirror_disk_started", "floating_ip_started", "script_started", "client",
)  # fmt: skip
LIGHT_LOSS = 0.05  # at read:write 95:5: our reading of "do not write often" (4.1.4-02)
ORDINARY = ("disk-5000", "disk-500")
OLD = "disk-100"  # where emulated processors are no match for faster ones: see matrix.MACHINES


@dataclass(frozen=True)
class Finding:
    """One fact of one clause."""

    clause: str
    fact: str
    expected: str
    observed: str
    verdict: str

    def as_json(self) -> dict[str, str]:
        """Plain values."""
        return asdict(self)


def judge(results: Results) -> list[Finding]:
    """Every figure of the guide, in the order of its clauses."""
    return [finding for part in _PARTS for finding in part(results)]


def passed(findings: Sequence[Finding]) -> bool:
    """True when nothing that was measured is missed or open, and something was judged."""
    verdicts = {finding.verdict for finding in findings}
    return MET in verdicts and not verdicts & {MISSED, OPEN}


def at_least(values: Sequence[float], least: float) -> tuple[str, Interval | None]:
    """The verdict on a ratio that should be at least so much."""
    if not values:
        return NOT_MEASURED, None
    found = spreads.interval(values) or Interval(values[0], values[0], values[0])
    if found.low >= least:
        return MET, found
    return (MISSED if found.high < least else OPEN), found


def level(values: Sequence[float], least: float) -> tuple[str, Interval | None]:
    """The verdict on a ratio that should be 1 within a factor, either way: the whole interval has to be."""
    if not values:
        return NOT_MEASURED, None
    found = spreads.interval(values) or Interval(values[0], values[0], values[0])
    if least <= found.low and found.high <= 1 / least:
        return MET, found
    return (MISSED if found.high < least or found.low > 1 / least else OPEN), found


def _loss(clause: str, fact: str, values: Sequence[float], percent: float, *, told: bool = False) -> Finding:
    """A share that may be lost; ``values`` are ratios to what it is lost from."""
    verdict, found = at_least(values, 1 - percent / 100)
    seen = ""
    if found is not None:
        seen = f"{_percent(1 - found.middle)} lost (90 %: {_percent(1 - found.high)} to {_percent(1 - found.low)})"
    if told and verdict != NOT_MEASURED:
        verdict = TOLD
    return Finding(clause, fact, f"at most {percent:g} % lost", seen, verdict)


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _paired(results: Results, above: tuple[str, str], below: tuple[str, str]) -> list[float]:
    return spreads.paired(results.iops(*above), results.iops(*below))


def _disks(results: Results) -> tuple[str, ...]:
    """The ordinary disks of this run."""
    return (OLD,) if results.measured(f"{MIX}@{OLD}", MIRRORED) else ORDINARY


def _performance(results: Results) -> Iterator[Finding]:
    """4.1.4: what mirroring costs."""
    both = results.measured(MIX, RAW) and results.measured(MIX, MIRRORED)
    latency = [results.spread(MIX, row, "mean_us") for row in (RAW, MIRRORED)] if both else []
    shown = " against ".join(f"{one.median:.0f} us" for one in reversed(latency) if one)
    yield Finding(
        "4.1.4-01", "mean latency at read:write 2:1, mirrored against raw", "is reported", shown,
        MET if both else NOT_MEASURED,
    )  # fmt: skip
    ordinary = _disks(results)
    for disk in ordinary:
        pair = ((f"{LIGHT}@{disk}", MIRRORED), (f"{LIGHT}@{disk}", RAW))
        yield _loss("4.1.4-02", f"read:write 95:5, {disk}", _paired(results, *pair), LIGHT_LOSS * 100)
    for disk in (*ordinary, ""):
        job = f"{MIX}@{disk}" if disk else MIX
        ratios = _paired(results, (job, MIRRORED), (job, RAW))
        where = disk or "the machine's own disk"
        yield _loss("4.1.4.1-01", f"read:write 2:1, depth 16, {where}", ratios, 20, told=not disk)
    yield _share_of_writes(results)
    for disk in (*(f"{name}-half" for name in ordinary), ""):
        job = f"{MIX}@{disk}" if disk else MIX
        ratios = _paired(results, (job, REBUILD), (job, MIRRORED))
        where = disk or "the machine's own disk, as much as goes"
        yield _loss("4.1.4.2-01", f"read:write 2:1 during a full copy, {where}", ratios, 15, told=not disk)


def _share_of_writes(results: Results) -> Finding:
    """4.1.4.1-02: the larger the share of writes, the larger the loss."""
    clause, fact = "4.1.4.1-02", "share of raw over the share of writes, 100:0 to 0:100"
    expected = "falls; no later point is above an earlier one beyond the 90 % intervals"
    found = [
        (spreads.interval(ratios) or Interval(ratios[0], ratios[0], ratios[0]), share)
        for name, share in WRITE_SHARES
        if (ratios := _paired(results, (name, MIRRORED), (name, RAW)))
    ]
    if len(found) < 3:
        return Finding(clause, fact, expected, "", NOT_MEASURED)
    observed = ", ".join(f"{share} % writes {one.middle:.2f}" for one, share in found)
    points = [one for one, _ in found]
    rises = any(later.low > earlier.high for n, earlier in enumerate(points) for later in points[n + 1 :])
    falls = points[-1].high < points[0].low
    return Finding(clause, fact, expected, observed, MISSED if rises else MET if falls else OPEN)


def _copies(results: Results) -> Iterator[Finding]:
    """4.3.3 and 4.4.1: FastSync and the time of copies."""
    for disk, row in (("disk-5000", MIRRORED), ("disk-5000", BROKEN), ("", MIRRORED)):
        installed = f"{MIX}@{disk}" if disk else MIX
        without = f"{MIX}@{disk}-fastsync-off" if disk else f"{MIX}@fastsync-off"
        ratios = _paired(results, (installed, row), (without, row))
        where = disk or "the machine's own disk"
        fact = f"read:write 2:1 with FastSync against without, {row}, {where}"
        yield _loss("4.3.3-01", fact, ratios, 3, told=not disk)
    kinds = _differences(results)
    yield _rising(results, kinds)
    values = _copy_ratio(results, NO_FASTSYNC, "difference 100 %")
    verdict, found = level(values, 0.9)
    yield Finding(
        "4.3.3-03", "rate without FastSync against the rate at 100 % difference", "within 10 %",
        f"{found.middle:.2f} (90 %: {found.low:.2f} to {found.high:.2f})" if found else "", verdict,
    )  # fmt: skip
    yield _proportional(results, kinds)
    verdict, found = at_least(
        [1 / ratio for ratio in _rebuild_ratio(results)], 1.0
    )  # idle against busy: at least as fast
    yield Finding(
        "4.4.1-03", "full copy beside read:write 2:1", "slower than while nobody writes",
        f"{found.middle:.2f} times as long" if found else "", verdict,
    )  # fmt: skip
    rate = results.copy_spread(FULL)
    for clause in GIB_S:
        yield _creation(clause, "full copy of 1 GiB, on the machine's own disk", rate)
    # 4.4.1-04's profile, with a client at half load beside the copy: harder than its table
    slowest = _disks(results)[-1]
    single = results.rebuild_spread(f"{MIX}@{slowest}-half")
    fact = f"full copy of 1 GiB, disk of {CONDITIONS[slowest].disk_iops} IOPS that a client uses by half"
    yield _creation("4.4.1-04", fact, single)


def _creation(clause: str, fact: str, rate: Spread | None) -> Finding:
    """4.4.1: seconds for a GiB, by the slowest of the rounds."""
    limit = GIB_S[clause]
    expected = f"at most {limit} s"
    if rate is None:
        return Finding(clause, fact, expected, "", NOT_MEASURED)
    observed = f"{1024 / rate.median:.1f} s (slowest {1024 / rate.low:.1f} s)"
    return Finding(clause, fact, expected, observed, MET if 1024 / rate.low <= limit else MISSED)


def _seconds(results: Results, kind: str) -> float:
    """The median time of a kind of copy; 0 when it was not measured."""
    runs = results.copies.get(kind, {})
    return spreads.spread([run.seconds for run in runs.values()]).median if runs else 0.0


def _differences(results: Results) -> dict[str, int]:
    """The high-speed copies that are judged, with their percent: on the slow disk where that was measured."""
    slow = {key(kind, OLD): percent for kind, percent in CONTIGUOUS_PERCENT.items()}
    return slow if any(results.copies.get(kind) for kind in slow) else DIFFERENCE_PERCENT


def _rising(results: Results, kinds: Mapping[str, int]) -> Finding:
    seconds = {percent: _seconds(results, kind) for kind, percent in kinds.items()}
    observed = ", ".join(f"{percent} %: {s:.2f} s" for percent, s in seconds.items() if s)
    times = [seconds[percent] for percent in (1, 10, 50)]
    verdict = NOT_MEASURED if not all(times) else MET if times == sorted(set(times)) else MISSED
    return Finding("4.3.3-02", "time of a copy of 1, 10, 50 % difference", "rises", observed, verdict)


def _proportional(results: Results, kinds: Iterable[str]) -> Finding:
    """By the medians, as 4.3.3-02: one copy that the machine held up says nothing of the mirror."""
    runs = [list(results.copies[kind].values()) for kind in kinds if results.copies.get(kind)]
    points = [
        (statistics.median(run.copied_bytes for run in each), statistics.median(run.seconds for run in each))
        for each in runs
    ]
    straight = spreads.straightness(points)
    verdict = NOT_MEASURED if len(runs) < 3 else MET if straight >= 0.95 else MISSED
    observed = f"R squared {straight:.3f}" if verdict != NOT_MEASURED else ""
    return Finding(
        "4.3.3-04",
        "median time over bytes of difference",
        "one straight line, R squared at least 0.95",
        observed,
        verdict,
    )


def _copy_ratio(results: Results, above: str, below: str) -> list[float]:
    ratio = results.copy_ratio(above, below)
    return list(ratio.values) if ratio else []


def _rebuild_ratio(results: Results) -> list[float]:
    during = {
        n: m.rebuild["mib_s"] for n, m in results.jobs.get(MIX, {}).get(REBUILD, {}).items() if m.rebuild
    }
    return spreads.paired(during, {n: run.mib_s for n, run in results.copies.get(FULL, {}).items()})


def _memory(results: Results) -> Iterator[Finding]:
    """4.5.1: what a set's buffers may take, beside the program itself."""
    start, peak = (results.memory_kib.get(when, {}) for when in ("start", "peak"))
    grown = [peak[side] - start[side] for side in peak if side in start]
    observed = f"{max(grown)} KiB more than at its start" if grown else ""
    verdict = NOT_MEASURED if not grown else MET if max(grown) <= SET_KIB else MISSED
    yield Finding(
        "4.5.1-05",
        "memory of a mirror process under all loads of the run",
        f"at most {SET_KIB} KiB",
        observed,
        verdict,
    )


def _switching(results: Results) -> Iterator[Finding]:
    """9.1: the parts of a switch of servers, with the outage that a client saw."""
    for clause, fact, expected, part in _SWITCH:
        seen = [part(one) for one in results.switches if set(STAGES) <= set(one)]
        if not seen:
            yield Finding(clause, fact, expected, "", NOT_MEASURED)
            continue
        values = ", ".join(f"{value:.2f} s" for value, _ in seen)
        verdict = MET if all(kept for _, kept in seen) else MISSED
        yield Finding(clause, fact, expected, values, verdict)


Switch = dict[str, float]


def _between(first: str, last: str, least_s: float, most_s: float) -> Callable[[Switch], tuple[float, bool]]:
    def part(one: Switch) -> tuple[float, bool]:
        value = (one[last] - (one[first] if first else 0.0)) / 1000
        return value, least_s <= value <= most_s

    return part


def _sum(one: Switch) -> tuple[float, bool]:
    outage, parts = one["client"] / 1000, one["script_started"] / 1000
    return outage, abs(outage - parts) <= SUM_TOLERANCE * outage


_SWITCH: tuple[tuple[str, str, str, Callable[[Switch], tuple[float, bool]]], ...] = (
    ("9.1-01", "outage that a client saw, against the sum of the parts", "within 10 %", _sum),
    (
        "9.1-02", "power cut to heartbeat time-out", f"{TIMEOUT_S} s, one interval of {HEARTBEAT_S} s either way",
        _between("", "heartbeat_lost", TIMEOUT_S - HEARTBEAT_S, TIMEOUT_S + HEARTBEAT_S),
    ),
    (
        "9.1-04", "network partition phase", f"at most {2 * TIMEOUT_S} s",
        _between("heartbeat_lost", "server_down", 0, 2 * TIMEOUT_S),
    ),
    (
        "9.1-05", "network partition phase, term 1", f"at most {2 * TIMEOUT_S} s",
        _between("heartbeat_lost", "server_down", 0, 2 * TIMEOUT_S),
    ),
    ("9.1-09", "mirror disk, to mounted", "at most 60 s", _between("server_down", "mirror_disk_started", 0, 60)),
    (
        "9.1-13", "floating IP address", "at most 360 s (a target of ours: 6 s)",
        _between("mirror_disk_started", "floating_ip_started", 0, 360),
    ),
    (
        "9.1-16", "start script: PostgreSQL recovers", "is reported",
        _between("floating_ip_started", "script_started", 0, 1e9),
    ),
)  # fmt: skip

_PARTS: tuple[Callable[[Results], Iterator[Finding]], ...] = (_performance, _copies, _memory, _switching)


def measured_file(findings: Sequence[Finding], about: dict[str, Any]) -> dict[str, Any]:
    """What the conformance suite takes as its measured tier: ``pytest conformance --measured FILE``."""
    return {"format": 1, "measured_by": "perf", **about, "facts": [finding.as_json() for finding in findings]}
