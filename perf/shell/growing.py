"""Starts mirror processes over disks of growing size, and more and more of them; nothing is copied or written."""

from harness.wait import now_s
from perf.figures.growth import PLANNING, SETS, SIZES
from perf.shell import machine, planning, sparse
from perf.shell.pair import Pair

SET_MIB = 64
REPEATS = 3


def measure(pair: Pair, size: str) -> dict[str, dict[str, float]]:
    """The costs on the pair, by the sizes of one kind; of each cost the least of REPEATS."""
    return {
        str(amount): _least([_measure(pair, size, amount) for _ in range(REPEATS)]) for amount in SIZES[size]
    }


def _least(found: list[dict[str, float]]) -> dict[str, float]:
    """What other load adds is no cost of ours."""
    return {kind: min(one[kind] for one in found) for kind in found[0]}


def _measure(pair: Pair, size: str, amount: int) -> dict[str, float]:
    if size == PLANNING:
        return planning.measure(pair, amount)
    return _start(pair, amount, SET_MIB) if size == SETS else _start(pair, 1, amount)


def _start(pair: Pair, count: int, mib: int) -> dict[str, float]:
    """Seconds until so many sets answer on the active server, and what they have resident then."""
    before = sparse.pids(pair)
    with sparse.sets_of(pair, count, mib) as sets:
        begin = now_s()
        for one in sets:
            one.launch(pair.active)
        for one in sets:
            one.await_answer(pair.active)
        seconds = now_s() - begin
        memory = sum(machine.memory_kib(pid, "VmRSS") for pid in sparse.pids(pair) - before)
        return {"start_s": seconds, "rss_kib": float(memory)}
