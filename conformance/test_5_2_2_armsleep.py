"""5.2.2 and 5.2.5: ARMSLEEP, the command by which a stop script waits."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.commands import Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair

SECONDS = 2
LATE_S = 10.0  # a loaded machine starts programs slowly; the clause is about the waiting


@pytest.mark.needs("script_commands")
@pytest.mark.cluster("commands")
@clause("5.2.2-07", "5.2.5-03")
def test_armsleep_waits_that_long(pair: Pair, judge: Judge) -> None:
    """ARMSLEEP n returns after n seconds, not before; what is no number of seconds is refused at once."""
    here = Commands(pair, "server1")
    ran = here.shell(f"a=$(date +%s%N); ARMSLEEP {SECONDS}; b=$(date +%s%N); echo $((b - a))")
    took_s = int(ran.stdout) / 1e9
    judge.holds("5.2.2-07", f"ARMSLEEP {SECONDS}", SECONDS <= took_s <= SECONDS + LATE_S, took_s)
    for word in ("abc", "-1"):
        refused = here.run("ARMSLEEP", word)
        judge.holds("5.2.2-07", f"ARMSLEEP {word} is refused", refused.returncode != 0, refused)
