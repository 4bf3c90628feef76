"""6.3: how the restarts of a program are counted, and when the count is zero again."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.commands import GROUP, Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import SERVERS, Pair
from conformance.suite.wait import stays

ONE, TWO = SERVERS
RESET_S = 4


@pytest.mark.needs("script_commands")
@pytest.mark.cluster("commands")
@clause("6.3-13")
def test_the_restart_count_is_cleared_after_an_interval(pair: Pair, judge: Judge) -> None:
    """/R 1 with an interval of seconds: a program that ran for longer than that is started again once more; one that is
    lost again at once is beyond its threshold, and its group fails over.
    """
    for server in SERVERS:
        Commands(pair, server).at_start(f"ARMLOAD W1 /R 1 /H {RESET_S / 3600:.6f} /FOV PROGRAM")
    here = Commands(pair, ONE)
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, ONE)
        here.kill(here.wait_started(1))
        second = here.wait_started(2)
        ran = stays(lambda: here.lives(second), bool, RESET_S + 1.0)
        judge.holds("6.3-13", f"restart 1 of 1 runs for more than {RESET_S} s", ran)
        here.kill(second)
        third = here.wait_started(3)
        stayed = pair.status().place(GROUP)
        judge.equal("6.3-13", "started again, the group stays", expected=ONE, observed=stayed)
        here.kill(third)
        moved = pair.wait_place(GROUP, TWO)
        judge.equal("6.3-13", "lost again at once", expected=TWO, observed=moved.place(GROUP))
        judge.equal("6.3-13", "starts on server 1", expected=3, observed=len(here.started()))
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
