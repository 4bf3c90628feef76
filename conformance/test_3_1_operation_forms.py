"""3.1: operation forms, seen on two groups that run the same scripts (the walk-through of 6.2.5)."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.refusals import refusal
from conformance.suite.walk import Walk

no = pytest.mark.cluster("walk-no")


@no
@clause("3.1-03", "3.1.2-01", "3.1-04")
def test_multi_directional_standby(pair: Pair, judge: Judge) -> None:
    """Two groups of one application, each at home on a server of its own, run at the same time; when one server is
    lost the other one runs both: it was the backup.
    """
    started, lost = Walk(pair, "NO").arrow("1"), Walk(pair, "NO").arrow("3")
    ran = {run.server for run in started.scripts if run.script == "start" and run.event != "RECOVER"}
    judge.equal("3.1-03", "servers on which it started", expected={SERVER1, SERVER2}, observed=ran)
    at_home = {"A": SERVER1, "B": SERVER2}
    judge.equal("3.1-03", "where both answer", expected=at_home, observed=started.places)
    backup = {"A": SERVER2, "B": SERVER2}
    judge.equal("3.1-04", "each server hosts its own", expected=at_home, observed=started.places)
    judge.equal("3.1-04", "and backs up the other's", expected=backup, observed=lost.places)


@pytest.mark.cluster("copies")
@clause("3.1-02", "3.1-01")
def test_uni_directional_standby(pair: Pair, judge: Judge) -> None:
    """With one group the application runs on one server: started on the other too it would be refused with E_STATE."""
    pair.wait_place("db", SERVER1)
    judge.equal(
        "3.1-01", "the form", expected=(1, SERVER1), observed=(len(pair.now.config["groups"]), SERVER1)
    )
    with pair.spoiled_on_error():
        code = refusal(pair, "group.start", group="db", to=SERVER2)
        judge.equal("3.1-02", "a second start, on server 2", expected="E_STATE", observed=code)
    seen = pair.wait(lambda s: s.settled(), "db to be at rest")
    judge.equal("3.1-02", "where it runs", expected=SERVER1, observed=seen.place("db"))
    answers = [server for server in (SERVER1, SERVER2) if pair.mounted("db", server)]
    judge.equal("3.1-02", "servers with its data", expected=[SERVER1], observed=answers)
