"""4.4: a server that is taken out of the cluster on purpose, and comes back."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import SERVERS, Pair
from conformance.suite.refusals import refusal

GROUP, SET = "db", "set1"
ONE, TWO = SERVERS


@pytest.mark.spoils
@pytest.mark.cluster("copies")
@clause("4.4-02", "4.4-03", "4.5.2-01")
def test_a_server_is_isolated_and_returned(pair: Pair, judge: Judge) -> None:
    """Shut down by command, server 2 is missing: the set is inconsistent and nobody is left to take over. Restarted
    it is isolated, and its stale disk does not start there. Its return rebuilds the mirror.
    """
    pair.wait_place(GROUP, ONE)
    pair.spoil()
    pair.operate("server.shutdown", server=TWO)
    alone = pair.wait(
        lambda s: s.servers[TWO] != "O" and s.sets[SET]["state"] == "INCONSISTENT",
        "server 2 to be gone",
        seen_by=ONE,
    )
    operating = [server for server, status in alone.servers.items() if status == "O"]
    judge.equal("4.4-03", "servers that operate", expected=[ONE], observed=operating)
    judge.equal("4.4-02", "the group", expected=ONE, observed=alone.place(GROUP))
    written = pair.write_file(GROUP, ONE, "meanwhile")
    pair.crash(TWO)
    pair.power_on(TWO)
    pair.wait(lambda s: s.servers[TWO] == "Od", "server 2 to be Od", seen_by=ONE)
    code = refusal(pair, "group.move", group=GROUP, to=TWO)
    judge.holds("4.5.2-01", "a move to the stale side is refused", code != "accepted", code)
    judge.equal("4.5.2-01", "mounted there", expected=False, observed=pair.mounted(GROUP, TWO))
    pair.operate("server.return", server=TWO)
    pair.wait(lambda s: s.servers[TWO] == "O", "server 2 to be O", seen_by=ONE)
    back = pair.wait_set(SET, "NORMAL", seen_by=ONE)
    judge.holds("4.4-02", "rebuilt by copying", back.sets[SET]["copied_bytes_last"] > 0, back.sets[SET])
    pair.operate("group.move", group=GROUP, to=TWO)
    pair.wait_place(GROUP, TWO)
    judge.equal("4.4-02", "what it holds", expected=written, observed=pair.checksum(GROUP, TWO, "meanwhile"))
