"""9.3: what the watching of a program does not see."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.commands import GROUP, Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import DEADLINE_S, SERVERS, Pair
from conformance.suite.wait import wait_for

pytestmark = [pytest.mark.needs("script_commands"), pytest.mark.cluster("commands")]
ONE, TWO = SERVERS
# An application that answers whoever asks it: with an error once it is broken, though its process is normal.
APPLICATION = """echo $$ > @/pid
while :; do
    if [ -e @/question ]; then
        if [ -e @/broken ]; then echo error > @/answer; else echo fine > @/answer; fi
        rm -f @/question
    fi
    sleep 0.1
done
"""


def put_application(pair: Pair, server: str) -> None:
    """Put the application on a server, whole, and have the start script load it."""
    folder, here = pair.see.scratch, Commands(pair, server)
    text = APPLICATION.replace("@", folder)
    here.shell(f"rm -f {folder}/broken {folder}/pid; cat > {folder}/application <<'END'\n{text}END\n")
    here.at_start(f"ARMLOAD W1 /R 0 /FOV sh {folder}/application")


def answer(pair: Pair, server: str) -> str:
    """Ask the application on a server."""
    folder, here = pair.see.scratch, Commands(pair, server)
    here.shell(f"rm -f {folder}/answer; touch {folder}/question")
    ask = ["sh", "-c", f"cat {folder}/answer"]
    return wait_for(lambda: pair.see.run(server, ask).stdout, bool, DEADLINE_S, "the answer").strip()


@clause("9.3-01")
def test_errors_of_an_application_that_runs_move_nothing(pair: Pair, judge: Judge) -> None:
    """The application answers errors and its process is normal: the group stays. When the process is gone it moves."""
    for server in SERVERS:
        put_application(pair, server)
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, ONE)
        judge.equal("9.3-01", "before", expected="fine", observed=answer(pair, ONE))
        here = Commands(pair, ONE)
        here.shell(f"touch {pair.see.scratch}/broken")
        judge.equal("9.3-01", "it returns errors", expected="error", observed=answer(pair, ONE))
        after = pair.settle(lambda s: s.place(GROUP) == ONE)
        judge.equal("9.3-01", "the group stays", expected=ONE, observed=after.place(GROUP))
        here.kill(int(here.shell(f"cat {pair.see.scratch}/pid").stdout))
        moved = pair.wait_place(GROUP, TWO)
        judge.equal("9.3-01", "with its process gone", expected=TWO, observed=moved.place(GROUP))
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
