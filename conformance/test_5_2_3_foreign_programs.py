"""5.2.3: programs that are no part of a group and hold files of its mirror disk."""

import pytest

from conformance.suite.adapter import Answer
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import DEADLINE_S, Pair
from conformance.suite.refusals import refusal
from conformance.suite.wait import settled, wait_for

HOME, AWAY = "server1", "server2"
GROUP = "db"


def failures(pair: Pair, since: int) -> list[Answer]:
    """What the event log says of disks that could not be isolated in order."""
    return [each for each in pair.events(since) if each["kind"] == "isolation_failed"]


@pytest.mark.spoils
@pytest.mark.needs("isolation_events")
@pytest.mark.cluster("copies")
@clause("5.2.3-03")
@pytest.mark.parametrize("operation", ["group.stop", "group.move", "cluster.stop"])
def test_a_disk_that_is_held_is_told(pair: Pair, judge: Judge, operation: str) -> None:
    """A foreign program has a file of the mirror disk open while its group is stopped, moved, or the cluster shut down:
    an event says that the disk could not be isolated in order, and it is not in use on both servers.
    """
    pair.wait_place(GROUP, HOME)
    since, mount = pair.events_now(), pair.access(GROUP, HOME)["mount"]
    pair.spoil()
    argv = ["sh", "-c", f"exec 3> {mount}/held; exec sleep 86400"]
    job = pair.adapter.request("run", {"host": HOME, "argv": argv, "background": True})["job"]
    wait_for(
        lambda: pair.see.run(HOME, ["test", "-e", f"{mount}/held"]).returncode,
        lambda code: code == 0,
        DEADLINE_S,
        "it to be held",
    )
    arguments = {"group.stop": {"group": GROUP}, "group.move": {"group": GROUP, "to": AWAY}}
    refusal(pair, operation, **arguments.get(operation, {}))
    within_s = 2 * pair.adapter.timing_s("failover", 60.0)  # a port may try for a while before it uses force
    told = settled(lambda: failures(pair, since), bool, within_s)
    judge.holds("5.2.3-03", f"{operation}: told", bool(told), told)
    named = any(str(mount) in str(value) or value == GROUP for value in told[0]["fields"].values())
    judge.holds("5.2.3-03", f"{operation}: which disk", named, told[0]["fields"])
    used = [server for server in (HOME, AWAY) if pair.mounted(GROUP, server)]
    judge.holds("5.2.3-03", f"{operation}: in use on one server at most", len(used) < 2, used)
    pair.adapter.request("job", {"job": job, "action": "stop"})
