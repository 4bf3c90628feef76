"""A cluster with more and more groups: how long it starts and switches, and what its daemon has resident."""

from collections.abc import Callable

from harness import audits
from harness.labs import pair
from harness.labs.namespaces import Lab
from harness.labs.running import LATE_S
from harness.switching.measure import Client, await_groups, bring_up, cut_power
from harness.wait import now_s
from perf.figures.growth import GROUPS, SIZES
from perf.figures.matrix import Cell
from perf.figures.results import Results
from perf.shell import machine

DISK_MIB = 64
DAEMON = "twinsetd"


class GroupsScene:
    """A lab of its own for each number of groups: a disk, an address and names, as `harness.switching` has them."""

    def __init__(self, results: Results, say: Callable[[str], None]) -> None:
        self._results = results
        self._say = say

    def come_under(self, name: str) -> None:
        """Nothing is slowed here."""

    def measure(self, cell: Cell, _number: int) -> str:
        """See Scene."""
        found: dict[str, dict[str, float]] = {}
        for count in SIZES[GROUPS]:
            found[str(count)] = measure(count)
            self._say(f"{count} groups: {found[str(count)]}")
        self._results.growth[cell.row] = found
        return ", ".join(f"{count}: {costs['switch_s']:.2f} s" for count, costs in found.items())

    def round_begins(self, number: int) -> None:
        """Nothing to do."""

    def round_ends(self, number: int) -> None:
        """Nothing to do."""


def measure(count: int) -> dict[str, float]:
    """The costs of so many groups. Detection is left out of the switch: the lab makes it shorter."""
    with Lab.create(disk_mib=DISK_MIB, name="groups") as lab:
        spec = bring_up(lab, count)
        start_s = _restart(lab, count)
        with Client(lab, spec) as client:
            client.await_all(0, "everything to answer")
            memory = [machine.memory_kib(pid, "VmRSS") for s in lab.servers for pid in s.pids_of(DAEMON)]
            switch = cut_power(lab, client, count)
    audits.no_leftovers(lab).require()
    return {"start_s": start_s, "rss_kib": float(max(memory)), "switch_s": switch.last_s}


def _restart(lab: Lab, count: int) -> float:
    """Seconds from the request to start the cluster until every group is active."""
    one = lab.server1
    one.api("cluster.stop", LATE_S)
    pair.await_stopped(lab, LATE_S)
    begin = now_s()
    pair.insist(one, "cluster.start", LATE_S)
    await_groups(lab, one.name, count)
    return now_s() - begin
