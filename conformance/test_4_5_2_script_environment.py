"""4.5.2: the variables with which scripts are run, as the suite's scripts noted them."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.walk import Walk

no = pytest.mark.cluster("walk-no")


@no
@clause("4.5.2-05", "4.5.2-03")
def test_arms_event_tells_a_start_from_a_failover(pair: Pair, judge: Judge) -> None:
    """START at cluster startup, at home; FAILOVER after a server was lost; no other word but RECOVER ever comes."""
    walk = Walk(pair, "NO")
    started, lost, restored = walk.arrow("1"), walk.arrow("3"), walk.arrow("5")
    judge.equal("4.5.2-05", "at startup", expected=[(SERVER1, "START", "HOME")], observed=started.starts("A"))
    judge.equal("4.5.2-03", "at startup", expected=[(SERVER1, "START", "HOME")], observed=started.starts("A"))
    judge.equal(
        "4.5.2-05", "at failover", expected=[(SERVER2, "FAILOVER", "OTHER")], observed=lost.starts("A")
    )
    words = {run.event for each in (started, lost, restored) for run in each.scripts}
    foreign = sorted(words - {"START", "FAILOVER", "RECOVER"})
    judge.equal("4.5.2-05", "other words", expected=[], observed=foreign)


@no
@clause("4.5.2-08", "4.5.2-18")
def test_arms_disk_and_the_name_of_the_group(pair: Pair, judge: Judge) -> None:
    """A's disk is there when its scripts run, and each script is told the name of its own group."""
    walk = Walk(pair, "NO")
    for name in ("1", "3"):
        runs = [run for run in walk.arrow(name).scripts if run.script == "start" and run.event != "RECOVER"]
        disks = {run.disk for run in runs if run.group == "A"}
        judge.equal("4.5.2-08", f"ARMS_DISK of A, arrow {name}", expected={"SUCCESS"}, observed=disks)
        groups = {run.group for run in runs}
        expected = {"A", "B"} if name == "1" else {"A"}
        judge.equal("4.5.2-18", f"ARMS_GROUPNAME, arrow {name}", expected=expected, observed=groups)


@no
@clause("4.5.2-09")
def test_home_is_the_first_server_of_the_policy(pair: Pair, judge: Judge) -> None:
    """HOME on the server of priority 1, whichever it is, and OTHER elsewhere: also after a move and a failover."""
    walk = Walk(pair, "NO")
    started, away, lost = walk.arrow("1"), walk.arrow("away"), walk.arrow("8")
    for group, server in (("A", SERVER1), ("B", SERVER2)):
        observed = started.starts(group)
        judge.equal("4.5.2-09", f"{group} at home", expected=[(server, "START", "HOME")], observed=observed)
    judge.equal("4.5.2-09", "A moved", expected=[(SERVER2, "START", "OTHER")], observed=away.starts("A"))
    expected = [(SERVER1, "FAILOVER", "OTHER")]
    judge.equal("4.5.2-09", "B failed over", expected=expected, observed=lost.starts("B"))
