"""6.2.5: the walk-through, arrow by arrow, with failback No and YES. pictures.py explains the numbers.

A is at home on server 1, B on server 2; both are Normal. Where a group is, the client tells: who answers ARP
for its floating IP address. What was started, and with which words, the groups' own scripts tell.
"""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.walk import Walk, Walked

no = pytest.mark.cluster("walk-no")
yes = pytest.mark.cluster("walk-yes")
HOME, OTHER = "HOME", "OTHER"


def symbols(walked: Walked) -> tuple[str, str]:
    """The status of both servers at the end of an arrow."""
    return (walked.after.servers["server1"], walked.after.servers["server2"])


def places(walked: Walked) -> tuple[str | None, str | None]:
    """Where A and B answer at the end of an arrow, as the client sees it."""
    return (walked.places["A"], walked.places["B"])


@no
@clause("6.2.5-08", "6.2.5-09", "6.2.5-11")
def test_1_cluster_startup(pair: Pair, judge: Judge) -> None:
    """(1) Both servers come up as O; A starts on server 1 and B on server 2, each at home."""
    walked = Walk(pair, "NO").arrow("1")
    judge.equal("6.2.5-11", "both servers operate", expected=("O", "O"), observed=symbols(walked))
    judge.equal("6.2.5-08", "A is on its priority 1", expected=SERVER1, observed=walked.places["A"])
    judge.equal("6.2.5-09", "B is on its priority 1", expected=SERVER2, observed=walked.places["B"])
    for name, server in (("A", SERVER1), ("B", SERVER2)):
        expected = [(server, "START", HOME)]
        judge.equal("6.2.5-11", f"the start of {name}", expected=expected, observed=walked.starts(name))


@no
@clause("6.2.5-04")
def test_both_servers_see_both_as_o(pair: Pair, judge: Judge) -> None:
    """After startup both servers are O, on whichever server one asks."""
    Walk(pair, "NO").go_to("P1")
    for server in (SERVER1, SERVER2):
        seen = pair.wait(lambda s: "O" in s.servers.values(), f"{server} to answer", seen_by=server)
        expected = {"server1": "O", "server2": "O"}
        judge.equal("6.2.5-04", f"as {server} sees it", expected=expected, observed=seen.servers)


@no
@clause("6.2.5-12", "6.2.5-05")
def test_2_cluster_shutdown(pair: Pair, judge: Judge) -> None:
    """(2) A cluster shutdown stops both groups and leaves both servers as X; nothing fails over."""
    walked = Walk(pair, "NO").arrow("2")
    judge.equal("6.2.5-05", "both servers are X", expected=("X", "X"), observed=symbols(walked))
    judge.equal("6.2.5-12", "nobody answers", expected=(None, None), observed=places(walked))
    for name in ("A", "B"):
        judge.equal("6.2.5-12", f"{name} started nowhere", expected=[], observed=walked.starts(name))
    judge.equal("6.2.5-12", "A was stopped", expected=["stop"], observed=walked.ran("A", SERVER1))
    judge.equal("6.2.5-12", "B was stopped", expected=["stop"], observed=walked.ran("B", SERVER2))


@pytest.mark.smoke
@no
@clause("6.2.5-13", "6.2.5-06", "6.2.3-03")
def test_3_server_1_goes_down(pair: Pair, judge: Judge) -> None:
    """(3) Server 1 is lost: it is Xd, A fails over by itself to server 2, B is not touched."""
    walked = Walk(pair, "NO").arrow("3")
    judge.equal(
        "6.2.5-06", "server 1 is down, server 2 operates", expected=("Xd", "O"), observed=symbols(walked)
    )
    judge.equal("6.2.5-13", "A and B are on server 2", expected=(SERVER2, SERVER2), observed=places(walked))
    start = [(SERVER2, "FAILOVER", OTHER)]
    judge.equal("6.2.3-03", "A was started without a command", expected=start, observed=walked.starts("A"))
    judge.equal("6.2.5-13", "B was not touched", expected=[], observed=walked.ran("B", SERVER2))


@no
@clause("6.2.3-04", "6.2.5-02")
def test_3_both_groups_run_on_the_survivor(pair: Pair, judge: Judge) -> None:
    """Two Normal groups run side by side on the one server that operates: it is the highest-
    priority one left.
    """
    walked = Walk(pair, "NO").arrow("3")
    judge.equal("6.2.3-04", "A and B on one server", expected=(SERVER2, SERVER2), observed=places(walked))
    judge.equal("6.2.5-02", "A is on its priority 2", expected=SERVER2, observed=walked.places["A"])


@pytest.mark.smoke
@no
@clause("6.2.5-14", "6.2.5-07")
def test_4_turn_on_server_1(pair: Pair, judge: Judge) -> None:
    """(4) Server 1 gets its power back: it is Od, isolated; the groups stay and nothing starts on it."""
    walked = Walk(pair, "NO").arrow("4")
    judge.equal("6.2.5-07", "server 1 is isolated", expected=("Od", "O"), observed=symbols(walked))
    judge.equal("6.2.5-14", "the groups stay", expected=(SERVER2, SERVER2), observed=places(walked))
    for name in ("A", "B"):
        judge.equal("6.2.5-14", f"{name} did not start", expected=[], observed=walked.starts(name))


@no
@clause("6.2.5-07")
def test_4_server_1_stays_isolated(pair: Pair, judge: Judge) -> None:
    """Od lasts until the server is restored by command: longer than any failover takes, nothing changes."""
    walk = Walk(pair, "NO")
    walk.go_to("P3")
    after = pair.settle(lambda s: s.servers.get("server1") == "Od" and s.place("A") == SERVER2)
    seen = (after.servers.get("server1"), after.place("A"))
    judge.equal("6.2.5-07", "server 1 and A", expected=("Od", SERVER2), observed=seen)


@pytest.mark.smoke
@no
@clause("6.2.5-15", "6.2.4-03", "6.2.4-04")
def test_5_restore_server_1(pair: Pair, judge: Judge) -> None:
    """(5) Server 1 is restored and is O; with failback left at its default, No, A stays on server 2."""
    walked = Walk(pair, "NO").arrow("5")
    judge.equal("6.2.5-15", "both servers operate", expected=("O", "O"), observed=symbols(walked))
    judge.equal(("6.2.4-03", "6.2.4-04"), "A stays", expected=(SERVER2, SERVER2), observed=places(walked))
    judge.equal("6.2.4-04", "the default starts A nowhere", expected=[], observed=walked.starts("A"))


@no
@clause("6.2.5-16", "6.2.3-05")
def test_6_cluster_shutdown_then_startup(pair: Pair, judge: Judge) -> None:
    """(6) A shutdown with A away from home; at the next startup A is at home again: offline failback."""
    walk = Walk(pair, "NO")
    stopped = walk.arrow("6")
    judge.equal("6.2.5-16", "both servers are X", expected=("X", "X"), observed=symbols(stopped))
    judge.equal("6.2.5-16", "nobody answers", expected=(None, None), observed=places(stopped))
    judge.equal(
        "6.2.5-16", "A was stopped on server 2", expected=["stop"], observed=stopped.ran("A", SERVER2)
    )
    started = walk.after("6", "1")
    judge.equal("6.2.3-05", "A is at home", expected=(SERVER1, SERVER2), observed=places(started))


@no
@clause("6.2.5-17")
def test_7_a_is_moved_home(pair: Pair, judge: Judge) -> None:
    """(7) The operator moves A from server 2 to server 1: stopped there, started here as at home."""
    walked = Walk(pair, "NO").arrow("7")
    judge.equal("6.2.5-17", "A at home, B too", expected=(SERVER1, SERVER2), observed=places(walked))
    judge.equal("6.2.5-17", "A stopped on server 2", expected=["stop"], observed=walked.ran("A", SERVER2))
    start = [(SERVER1, "START", HOME)]
    judge.equal("6.2.5-17", "A started on server 1", expected=start, observed=walked.starts("A"))
    judge.equal("6.2.5-17", "B was not touched", expected=[], observed=walked.ran("B", SERVER2))


@no
@clause("6.2.5-18", "6.2.5-06")
def test_8_server_2_goes_down(pair: Pair, judge: Judge) -> None:
    """(8) Server 2 is lost with B on it: B fails over to server 1, its priority 2; A is not touched."""
    walked = Walk(pair, "NO").arrow("8")
    judge.equal("6.2.5-06", "server 2 is down", expected=("O", "Xd"), observed=symbols(walked))
    judge.equal("6.2.5-18", "A and B are on server 1", expected=(SERVER1, SERVER1), observed=places(walked))
    start = [(SERVER1, "FAILOVER", OTHER)]
    judge.equal("6.2.5-18", "B started on server 1", expected=start, observed=walked.starts("B"))
    judge.equal("6.2.5-18", "A was not touched", expected=[], observed=walked.ran("A", SERVER1))


@no
@clause("6.2.5-19", "6.2.5-02")
def test_9_server_2_goes_down_with_both_groups(pair: Pair, judge: Judge) -> None:
    """(9), first reading: server 2 is lost with both groups on it; A starts on its priority 1, B on its 2."""
    walked = Walk(pair, "NO").arrow("9")
    judge.equal("6.2.5-19", "server 2 is down", expected=("O", "Xd"), observed=symbols(walked))
    judge.equal("6.2.5-02", "A and B are on server 1", expected=(SERVER1, SERVER1), observed=places(walked))
    for name, place in (("A", HOME), ("B", OTHER)):
        start = [(SERVER1, "FAILOVER", place)]
        judge.equal("6.2.5-19", f"{name} started on server 1", expected=start, observed=walked.starts(name))


@pytest.mark.spoils
@no
@clause("6.2.5-19", "6.2.5-02")
def test_9_no_server_is_left(pair: Pair, judge: Judge) -> None:
    """(9), second reading: server 2 is lost while server 1 is isolated; an isolated server is
    no destination.
    """
    walk = Walk(pair, "NO")
    walk.go_to("P3")
    noted = len(pair.see.script_runs(SERVER1))
    pair.crash(SERVER2)
    pair.spoil()
    after = pair.wait(lambda s: s.servers.get("server2") == "Xd", "server 2 to be Xd", seen_by=SERVER1)
    judge.equal("6.2.5-19", "server 1 stays isolated", expected="Od", observed=after.servers.get("server1"))
    later = pair.settle(lambda s: SERVER1 not in {s.place("A"), s.place("B")}, seen_by=SERVER1)
    taken = [name for name in ("A", "B") if later.place(name) == SERVER1]
    judge.equal("6.2.5-02", "groups that took server 1 for their destination", expected=[], observed=taken)
    started = [run for run in pair.see.script_runs(SERVER1)[noted:] if run.script == "start"]
    judge.equal("6.2.5-19", "nothing started on server 1", expected=[], observed=started)
    answers = [pair.see.pings(address) for address in walk.fips.values()]
    judge.equal("6.2.5-19", "nobody answers", expected=[False, False], observed=answers)


@yes
@clause("6.2.5-11", "6.2.5-12")
def test_1_and_2_with_failback(pair: Pair, judge: Judge) -> None:
    """(1), (2) Failback has no influence on startup and shutdown."""
    walk = Walk(pair, "YES")
    stopped, started = walk.arrow("2"), walk.after("2", "1")
    judge.equal("6.2.5-12", "both servers are X", expected=("X", "X"), observed=symbols(stopped))
    judge.equal("6.2.5-12", "nobody answers", expected=(None, None), observed=places(stopped))
    judge.equal("6.2.5-11", "at home", expected=(SERVER1, SERVER2), observed=places(started))


@yes
@clause("6.2.5-13", "6.2.5-14", "6.2.4-01")
def test_3_and_4_with_failback(pair: Pair, judge: Judge) -> None:
    """(3), (4) Failback has no influence on the failover itself, nor on the isolated server."""
    walk = Walk(pair, "YES")
    down, isolated = walk.arrow("3"), walk.arrow("4")
    judge.equal("6.2.5-13", "A and B are on server 2", expected=(SERVER2, SERVER2), observed=places(down))
    start = [(SERVER2, "FAILOVER", OTHER)]
    judge.equal("6.2.4-01", "A failed over as ever", expected=start, observed=down.starts("A"))
    judge.equal("6.2.5-14", "server 1 is isolated", expected=("Od", "O"), observed=symbols(isolated))
    judge.equal("6.2.5-14", "the groups stay", expected=(SERVER2, SERVER2), observed=places(isolated))


@yes
@clause("6.2.5-15", "6.2.4-02", "6.2.4-01")
def test_5_restore_with_failback(pair: Pair, judge: Judge) -> None:
    """(5) with failback YES: once server 1 is O and its data the latest, A goes home by itself;
    B does not move.
    """
    walked = Walk(pair, "YES").arrow("5")
    judge.equal("6.2.5-15", "both servers operate", expected=("O", "O"), observed=symbols(walked))
    judge.equal("6.2.4-02", "A went home", expected=(SERVER1, SERVER2), observed=places(walked))
    start = [(SERVER1, "START", HOME)]
    judge.equal("6.2.4-01", "A started at home, by itself", expected=start, observed=walked.starts("A"))
    judge.equal("6.2.4-02", "A's disk at home", expected=["SUCCESS"], observed=walked.disks("A"))
    judge.equal("6.2.4-02", "A stopped on server 2", expected=["stop"], observed=walked.ran("A", SERVER2))
    judge.equal("6.2.4-02", "B was not touched", expected=[], observed=walked.ran("B", SERVER2))


@yes
@clause("6.2.5-16", "6.2.5-17")
def test_6_and_7_with_failback(pair: Pair, judge: Judge) -> None:
    """(7), (6) From where A was moved to, it can be moved home again; a shutdown stops it there
    as anywhere.
    """
    walk = Walk(pair, "YES")
    moved, stopped = walk.arrow("7"), walk.arrow("6")
    judge.equal("6.2.5-17", "A at home", expected=(SERVER1, SERVER2), observed=places(moved))
    judge.equal("6.2.5-16", "both servers are X", expected=("X", "X"), observed=symbols(stopped))
    judge.equal("6.2.5-16", "nobody answers", expected=(None, None), observed=places(stopped))


@yes
@clause("6.2.5-18", "6.2.4-02")
def test_8_with_failback_and_back(pair: Pair, judge: Judge) -> None:
    """(8) with failback YES: B fails over to server 1, and goes home by itself after server 2
    has returned.
    """
    walk = Walk(pair, "YES")
    down, back = walk.arrow("8"), walk.arrow("back2")
    judge.equal("6.2.5-18", "A and B are on server 1", expected=(SERVER1, SERVER1), observed=places(down))
    judge.equal("6.2.4-02", "B went home", expected=(SERVER1, SERVER2), observed=places(back))
    judge.equal("6.2.4-02", "A was not touched", expected=[], observed=back.ran("A", SERVER1))
