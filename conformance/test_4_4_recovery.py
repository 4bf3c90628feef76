"""4.4: a server is isolated for a snapshot or a backup, read, and returned with a mirror rebuild."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.errors import Refused
from conformance.suite.judge import Judge
from conformance.suite.pair import SERVERS, Pair

GROUP, SET, LETTER = "db", "set1", "E"
ONE, TWO = SERVERS
BEFORE, AFTER = "conformance-before-isolation", "conformance-after-isolation"


def note(pair: Pair, text: str) -> None:
    """Write a text into a file of the group's disk, durably."""
    mount = pair.access(GROUP, ONE)["mount"]
    pair.see.run(ONE, ["sh", "-c", f"echo {text} > {mount}/{text}; sync"], timeout_s=60)


def holds(pair: Pair, device: str, text: str) -> bool:
    """Whether the text can be read from the isolated side."""
    command = f"dd if={device} bs=1M 2>/dev/null | grep -q -a {text}"
    return pair.see.run(TWO, ["sh", "-c", command], timeout_s=120).returncode == 0


@pytest.mark.needs("isolation")
@pytest.mark.cluster("copies")
@clause("4.4-02")
def test_a_standby_is_isolated_read_and_returned(pair: Pair, judge: Judge) -> None:
    """The server that runs the group is refused. The other one is isolated: the group stays active, the set is
    inconsistent, the isolated side can be read as it was then and not be written; the return rebuilds the mirror.
    """
    with pair.spoiled_on_error():
        note(pair, BEFORE)
        try:
            pair.operate("server.isolate", server=ONE)
            code = "accepted"
        except Refused as refused:
            code = refused.code
        judge.equal("4.4-02", "the server that runs the group", expected="E_STATE", observed=code)
        pair.operate("server.isolate", server=TWO)
        seen = pair.wait(
            lambda s: s.sets[SET]["state"] == "INCONSISTENT" and s.servers[TWO] == "Od",
            "server 2 to be isolated and the set inconsistent",
            seen_by=ONE,
        )
        judge.equal("4.4-02", "where the group is active", expected=ONE, observed=seen.place(GROUP))
        note(pair, AFTER)
        device = str(pair.adapter.request("read", {"set": SET, "server": TWO})["devices"][LETTER])
        judge.equal("4.4-02", "what was written before", expected=True, observed=holds(pair, device, BEFORE))
        judge.equal("4.4-02", "what was written after", expected=False, observed=holds(pair, device, AFTER))
        written = pair.see.run(
            TWO, ["dd", "if=/dev/zero", f"of={device}", "count=1", "conv=fsync"], timeout_s=30
        )
        judge.holds("4.4-02", "the isolated side refuses writes", written.returncode != 0, written.stderr)
        pair.adapter.request("read", {"set": SET, "server": TWO, "end": True})
        pair.until_accepted("server.return", server=TWO)
        pair.wait(lambda s: set(s.servers.values()) == {"O"}, "both servers to be O")
        after = pair.wait_set(SET, "NORMAL")
    judge.equal("4.4-02", "the set after the return", expected="NORMAL", observed=after.sets[SET]["state"])
    judge.equal(
        "4.4-02", "how it was rebuilt", expected="high-speed", observed=after.sets[SET]["copy_mode_last"]
    )
