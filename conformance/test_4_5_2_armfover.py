"""4.5.2 and 6.3: ARMFOVER, the command by which a script lets a group fail over."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.commands import GROUP, Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair

commands = pytest.mark.cluster("commands")
MOVER = "mover"


@pytest.mark.needs("script_commands")
@commands
@clause("4.5.2-17", "6.3-18")
def test_armfover_moves_an_active_group(pair: Pair, judge: Judge) -> None:
    """ARMFOVER /F group, on the server where the group is active: it starts on the next server of its policy."""
    with pair.spoiled_on_error():
        for server, other in (("server1", "server2"), ("server2", "server1")):
            ran = Commands(pair, server).run("ARMFOVER", "/F", MOVER)
            judge.equal("4.5.2-17", f"exit status on {server}", expected=0, observed=ran.returncode)
            seen = pair.wait_place(MOVER, other)
            judge.equal("6.3-18", "where it is", expected=other, observed=seen.place(MOVER))
        starts = [r for r in pair.see.script_runs("server2") if (r.group, r.script) == (MOVER, "start")]
        judge.equal("4.5.2-17", "what its start script saw", expected="FAILOVER", observed=starts[-1].event)


@pytest.mark.needs("script_commands")
@commands
@clause("4.5.2-17")
def test_armfover_refuses_what_it_cannot_do(pair: Pair, judge: Judge) -> None:
    """Unknown group, a group that is not active on this server, no /F at all: refused, and nothing moves."""
    here = Commands(pair, "server1")
    with pair.spoiled_on_error():
        for words in (["/F", "nobody"], ["/F", GROUP], [], ["/F"]):
            ran = here.run("ARMFOVER", *words)
            judge.holds("4.5.2-17", f"ARMFOVER {' '.join(words)} is refused", ran.returncode != 0, ran)
        away = Commands(pair, "server2").run("ARMFOVER", "/F", MOVER)
        judge.holds("4.5.2-17", "on the server where it is not active", away.returncode != 0, away)
        judge.equal("4.5.2-17", "the group", expected="server1", observed=pair.status().place(MOVER))


@pytest.mark.needs("script_commands")
@commands
@clause("4.5.2-02")
def test_a_start_script_hands_its_group_on(pair: Pair, judge: Judge) -> None:
    """A start script that finds something wrong at home calls ARMFOVER beside itself: the standby server goes on."""
    here = Commands(pair, "server1")
    here.at_start(f'[ "$ARMS_SERVER" = OTHER ] || ARMFOVER /F {GROUP} &')
    with pair.spoiled_on_error():
        noted = len(pair.see.script_runs("server2"))
        pair.operate("group.start", group=GROUP)
        seen = pair.wait_place(GROUP, "server2")
        judge.equal("4.5.2-02", "where it runs", expected="server2", observed=seen.place(GROUP))
        events = [
            r.event
            for r in pair.see.script_runs("server2")[noted:]
            if (r.group, r.script) == (GROUP, "start")
        ]
        judge.equal("4.5.2-02", "how it was started there", expected=["FAILOVER"], observed=events)
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
