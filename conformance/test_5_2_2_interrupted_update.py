"""5.2.2: the active server is lost in the middle of an application's update of a file."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.commands import Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import DEADLINE_S, SERVERS, Pair
from conformance.suite.wait import wait_for

GROUP = "db"
ONE, TWO = SERVERS
# The application keeps a copy, then updates its record half by half; between the halves it is interrupted.
APPLICATION = """cd @mount@ && printf 'old old ' > record && cp record record.before && sync record record.before
printf 'new ' | dd of=record conv=notrunc,fsync 2> /dev/null
touch @scratch@/half
while [ ! -e @scratch@/go-on ]; do sleep 0.1; done
printf 'new ' | dd of=record bs=4 seek=1 conv=notrunc,fsync 2> /dev/null
rm record.before
"""
# What the start script does: a copy that is still there tells of an update that did not end.
REPAIR = """cat @mount@/record > @scratch@/found
[ "$ARMS_EVENT" = FAILOVER ] || return 0
[ ! -e @mount@/record.before ] || cp @mount@/record.before @mount@/record
"""


@pytest.mark.spoils
@pytest.mark.cluster("copies")
@clause("5.2.2-01", "5.2.2-03")
def test_a_half_made_update_is_found_and_repaired_by_the_script(pair: Pair, judge: Judge) -> None:
    """The standby server finds a file system that can be used, with a file of which one half is new; the start script
    repairs it, and nobody else does anything.
    """
    words = {"mount": str(pair.access(GROUP, ONE)["mount"]), "scratch": pair.see.scratch}

    def text(of: str) -> str:
        for name, word in words.items():
            of = of.replace(f"@{name}@", word)
        return of

    here, there = Commands(pair, ONE), Commands(pair, TWO)
    here.shell(f"rm -f {words['scratch']}/half {words['scratch']}/go-on")
    there.shell(f"cat > {words['scratch']}/at-start <<'END'\n{text(REPAIR)}END\n")
    argv = ["sh", "-c", text(APPLICATION)]
    pair.adapter.request("run", {"host": ONE, "argv": argv, "background": True})
    half = ["sh", "-c", f"[ -e {words['scratch']}/half ]"]
    wait_for(lambda: pair.see.run(ONE, half).returncode == 0, bool, DEADLINE_S, "half of the update")
    pair.spoil()
    pair.crash(ONE)
    pair.wait_place(GROUP, TWO)
    found = there.shell(f"cat {words['scratch']}/found").stdout
    judge.equal("5.2.2-01", "what the standby server found", expected="new old ", observed=found)
    judge.equal("5.2.2-01", "its file system", expected=True, observed=pair.mounted(GROUP, TWO))
    repaired = there.shell(f"cat {words['mount']}/record").stdout
    judge.equal("5.2.2-03", "after the start script", expected="old old ", observed=repaired)
