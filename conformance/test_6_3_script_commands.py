"""6.3 and 9.3: programs that scripts load, and the shutdown of a server, as causes of a failover."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.commands import GROUP, Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair

commands = pytest.mark.cluster("commands")


@pytest.mark.needs("script_commands")
@commands
@clause("6.3-08", "7.4-04")
def test_armkill_ends_a_program_for_good(pair: Pair, judge: Judge) -> None:
    """The program outlives the start script that loaded it; ARMKILL ends it: no restart, no failover.
    A second ARMKILL, and one of an unknown watch ID, are refused.
    """
    here = Commands(pair, "server1")
    here.at_start("ARMLOAD W1 /R 5 /H 1 PROGRAM")
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, "server1")
        pid = here.wait_started(1)
        judge.holds("7.4-04", "a command in a start script was carried out", bool(pid), pid)
        judge.holds("6.3-08", "it outlives its start script", here.lives(pid))
        killed = here.run("ARMKILL", "W1")
        judge.equal("6.3-08", "exit status of ARMKILL", expected=0, observed=killed.returncode)
        judge.holds("6.3-08", "it has ended", not here.lives(pid))
        again = here.run("ARMKILL", "W1")
        judge.holds("6.3-08", "a second ARMKILL is refused", again.returncode != 0, again)
        after = pair.settle(lambda s: s.place(GROUP) == "server1")
        judge.equal("6.3-08", "the group stays", expected="server1", observed=after.place(GROUP))
        judge.equal("6.3-08", "starts of the program", expected=[pid], observed=here.started())
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)


@pytest.mark.needs("script_commands")
@commands
@clause("6.3-09", "6.3-12")
def test_the_loss_of_a_process_is_a_fault(pair: Pair, judge: Judge) -> None:
    """A program that is gone is started again; up to the threshold of /R that is all, its group stays where it is."""
    here = Commands(pair, "server1")
    here.at_start("ARMLOAD W1 /R 1 /H 1 PROGRAM")
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, "server1")
        first = here.wait_started(1)
        here.kill(first)
        second = here.wait_started(2)
        judge.holds(
            "6.3-09", "another process in its place", second != first and here.lives(second), here.started()
        )
        stayed = pair.status().place(GROUP)
        judge.equal("6.3-12", "the group after loss 1 of 1", expected="server1", observed=stayed)
        here.run("ARMKILL", "W1")
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)


@pytest.mark.spoils
@pytest.mark.needs("script_commands")
@commands
@clause("9.3-05", "6.3-07", "9.3-04")
def test_a_program_is_restarted_up_to_its_threshold(pair: Pair, judge: Judge) -> None:
    """ARMLOAD WatchID /R 2 /H 1: lost twice it is started again, lost a third time the server is shut
    down and its groups fail over.
    """
    here, there = Commands(pair, "server1"), Commands(pair, "server2")
    for each in (here, there):
        each.at_start("ARMLOAD W1 /R 2 /H 1 PROGRAM")
    pair.operate("group.start", group=GROUP)
    pair.wait_place(GROUP, "server1")
    pair.spoil()
    for times in (1, 2):
        here.kill(here.wait_started(times))
        here.wait_started(times + 1)
        judge.equal("9.3-05", f"after loss {times}", expected="server1", observed=pair.status().place(GROUP))
    here.kill(here.wait_started(3))
    after = pair.wait(
        lambda s: s.place(GROUP) == "server2" and s.place("mover") == "server2",
        "both groups to fail over",
        seen_by="server2",
    )
    judge.equal("6.3-07", "the group of the program", expected="server2", observed=after.place(GROUP))
    judge.equal("9.3-04", "the other group of that server", expected="server2", observed=after.place("mover"))
    judge.holds("9.3-04", "server 1 operates no more", after.servers["server1"] != "O", after.servers)
    there.wait_started(1)


@pytest.mark.spoils
@pytest.mark.needs("script_commands")
@commands
@clause("6.3-17")
def test_armdown_shuts_a_server_down(pair: Pair, judge: Judge) -> None:
    """ARMDOWN on the active server: an orderly shutdown, the stop script has run, the group fails over."""
    ran = Commands(pair, "server1").run("ARMDOWN")
    pair.spoil()
    judge.equal("6.3-17", "exit status", expected=0, observed=ran.returncode)
    after = pair.wait(lambda s: s.place("mover") == "server2", "the group to fail over", seen_by="server2")
    judge.holds("6.3-17", "server 1 operates no more", after.servers["server1"] != "O", after.servers)
    stops = [r.group for r in pair.see.script_runs("server1") if (r.group, r.script) == ("mover", "stop")]
    judge.equal("6.3-17", "stopped in order on server 1", expected=["mover"], observed=stops)
