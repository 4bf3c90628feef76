"""6.3: causes of a failover: a server that is lost in some way, software that is watched, entries of a log."""

import pytest

from conformance.suite import clusters
from conformance.suite.cases import clause
from conformance.suite.commands import GROUP, Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.walk import Walk

no = pytest.mark.cluster("walk-no")
commands = pytest.mark.cluster("commands")
watched = pytest.mark.cluster("watched")
MOVER = "mover"


@no
@clause("6.3-03")
def test_a_power_failure_is_a_cause(pair: Pair, judge: Judge) -> None:
    """The power of server 1 is cut: its group starts on server 2."""
    walked = Walk(pair, "NO").arrow("3")
    judge.equal("6.3-03", "the start", expected=[(SERVER2, "FAILOVER", "OTHER")], observed=walked.starts("A"))


@pytest.mark.spoils
@commands
@clause("6.3-05", "6.3-04")
def test_a_server_that_stands_still_is_a_cause(pair: Pair, judge: Judge) -> None:
    """Nothing on server 1 runs any more, though it has power (a complete stall, or a panic): its group fails over, and
    when it wakes up it does not answer for the group's address.
    """
    address = str(pair.provisioned["floating_ips"][0])
    pair.adapter.request("pause", {"server": SERVER1, "action": "pause"})
    pair.spoil()
    try:
        after = pair.wait(lambda s: s.place(MOVER) == SERVER2, "the group to fail over", seen_by=SERVER2)
        judge.equal("6.3-05", "the group", expected=SERVER2, observed=after.place(MOVER))
        judge.equal("6.3-04", "the group", expected=SERVER2, observed=after.place(MOVER))
    finally:
        pair.adapter.request("pause", {"server": SERVER1, "action": "resume"})
    # A hypervisor's pause stops its clocks too: it learns from the other server what it has missed.
    pair.wait(
        lambda s: s.servers.get(SERVER1) != "O" and s.place(MOVER) != SERVER1,
        "server 1 to know",
        seen_by=SERVER1,
    )
    judge.equal("6.3-05", "who answers", expected=SERVER2, observed=pair.see.owner_of(address))


@pytest.mark.needs("script_commands")
@commands
@clause("6.3-11", "6.3-09", "6.3-12")
def test_an_option_says_whether_a_program_is_watched(pair: Pair, judge: Judge) -> None:
    """One that is watched is started again when its process is gone, as often as its threshold says; one that is not
    watched may die: nothing happens.
    """
    here = Commands(pair, SERVER1)
    here.at_start("ARMLOAD W1 /R 1 /H 1 PROGRAM")
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, SERVER1)
        first = here.wait_started(1)
        here.kill(first)
        second = here.wait_started(2)
        judge.holds("6.3-09", "started again", second != first, (first, second))
        judge.equal("6.3-12", "the group stays", expected=SERVER1, observed=pair.status().place(GROUP))
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
        here.at_start("ARMLOAD W1 /NOM PROGRAM")
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, SERVER1)
        here.kill(here.wait_started(1))
        after = pair.settle(lambda s: s.place(GROUP) == SERVER1)
        judge.equal("6.3-11", "the group stays", expected=SERVER1, observed=after.place(GROUP))
        judge.equal("6.3-11", "starts of the program", expected=1, observed=len(here.started()))
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)


@pytest.mark.needs("script_commands")
@commands
@clause("6.3-14", "7.4-04", "7.4-01")
def test_the_restart_scope_is_the_program_or_the_scripts(pair: Pair, judge: Judge) -> None:
    """With /SCR the loss of the program runs stop and start script again on the same server, and the start script, in
    which the command stands, starts the program.
    """
    here = Commands(pair, SERVER1)
    here.at_start("ARMLOAD W1 /SCR /R 1 PROGRAM")
    before = len(pair.see.script_runs(SERVER1))
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, SERVER1)
        here.kill(here.wait_started(1))
        here.wait_started(2)
        pair.wait_place(GROUP, SERVER1)
        ran = [r.script for r in pair.see.script_runs(SERVER1)[before:] if r.group == GROUP]
        judge.equal("6.3-14", "scripts", expected=["start", "stop", "start"], observed=ran)
        judge.holds("7.4-04", "the command in the script", len(here.started()) == 2, here.started())
        judge.holds("7.4-01", "managed by the cluster", len(ran) == 3, ran)
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)


@pytest.mark.spoils
@pytest.mark.needs("script_commands")
@commands
@clause("6.3-15", "9.3-02", "9.3-03")
def test_above_the_threshold_the_group_may_fail_over(pair: Pair, judge: Judge) -> None:
    """With /FOV the group alone fails over, not the server. The program is a watcher that ends itself when the
    application answers errors while its process is normal.
    """
    here, there = Commands(pair, SERVER1), Commands(pair, SERVER2)
    for each in (here, there):
        each.at_start('ARMLOAD W1 /R 0 /FOV sh -c "while [ ! -e /run/app-error ]; do sleep 0.2; done"')
    pair.operate("group.start", group=GROUP)
    pair.wait_place(GROUP, SERVER1)
    pair.spoil()
    here.shell("touch /run/app-error")
    after = pair.wait(lambda s: s.place(GROUP) == SERVER2, "the group to fail over", seen_by=SERVER2)
    judge.equal("9.3-02", "the group", expected=SERVER2, observed=after.place(GROUP))
    judge.equal("6.3-15", "its server", expected="O", observed=after.servers[SERVER1])
    judge.equal("9.3-03", "other groups stay", expected=SERVER1, observed=after.place(MOVER))


@pytest.mark.needs("monitoring", "event_rules")
@watched
@clause("6.3-20", "6.3-16", "9.4-01", "6.1-09")
def test_a_stall_and_a_line_in_a_log_are_causes(pair: Pair, judge: Judge) -> None:
    """A watch command that does not end in time, and a line in a log that a rule names: the group fails over."""
    group = clusters.WATCHED_GROUP
    with pair.spoiled_on_error():
        for server in (SERVER1, SERVER2):
            Commands(pair, server).shell(f"touch {clusters.WATCHED_LOG}; rm -f {clusters.STALLED}")
        Commands(pair, SERVER1).shell(f"touch {clusters.STALLED}")
        after = pair.wait_place(group, SERVER2)
        judge.equal("6.3-20", "after the stall", expected=SERVER2, observed=after.place(group))
        judge.equal("6.1-09", "after the stall", expected=SERVER2, observed=after.place(group))
        Commands(pair, SERVER1).shell(f"rm {clusters.STALLED}")
        Commands(pair, SERVER2).shell(f"echo conformance FATAL >> {clusters.WATCHED_LOG}")
        after = pair.wait_place(group, SERVER1)
        judge.equal("6.3-16", "after the line", expected=SERVER1, observed=after.place(group))


@pytest.mark.needs("monitoring")
@watched
@clause("6.3-19", "9.2-05")
def test_a_lost_public_lan_is_a_cause_unless_it_is_deselected(pair: Pair, judge: Judge) -> None:
    """The public LAN is lost on server 1 alone: the group that has it monitored fails over, the one in which every type
    is deselected stays.
    """
    public = next(n["name"] for n in pair.provisioned["networks"] if "public" in n["roles"])
    with pair.spoiled_on_error():
        pair.adapter.request("link", {"network": public, "server": SERVER1, "action": "cut"})
        after = pair.wait_place(clusters.WATCHED_GROUP, SERVER2)
        judge.equal("6.3-19", "monitored", expected=SERVER2, observed=after.place(clusters.WATCHED_GROUP))
        judge.equal("9.2-05", "deselected", expected=SERVER1, observed=after.place(clusters.UNWATCHED_GROUP))
        pair.adapter.request("link", {"action": "heal"})
        pair.operate("group.move", group=clusters.WATCHED_GROUP, to=SERVER1)
        pair.wait_place(clusters.WATCHED_GROUP, SERVER1)
