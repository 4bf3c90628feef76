"""4.4: a server is isolated for a snapshot or a backup, read, and returned with a mirror rebuild."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import SERVERS, Pair
from conformance.suite.refusals import refusal

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
@clause("4.4-02", "4.4-03", "4.5.2-01")
def test_a_standby_is_isolated_read_and_returned(pair: Pair, judge: Judge) -> None:
    """The server that runs the group is refused. The other one is isolated: the group stays active, nobody is left to
    take over, the isolated side can be read as it was then, is not written and starts no group. The return rebuilds
    the mirror, and the other server has what was written meanwhile.
    """
    with pair.spoiled_on_error():
        pair.wait_place(GROUP, ONE)
        note(pair, BEFORE)
        code = refusal(pair, "server.isolate", server=ONE)
        judge.equal("4.4-02", "the server that runs the group", expected="E_STATE", observed=code)
        pair.operate("server.isolate", server=TWO)
        alone = pair.wait(
            lambda s: s.sets[SET]["state"] == "INCONSISTENT" and s.servers[TWO] == "Od",
            "server 2 to be isolated and the set inconsistent",
            seen_by=ONE,
        )
        operating = [server for server, status in alone.servers.items() if status == "O"]
        judge.equal("4.4-03", "servers that operate", expected=[ONE], observed=operating)
        judge.equal("4.4-02", "where the group is active", expected=ONE, observed=alone.place(GROUP))
        note(pair, AFTER)
        _read(pair, judge)
        code = refusal(pair, "group.move", group=GROUP, to=TWO)
        judge.holds("4.5.2-01", "a move to the stale side is refused", code != "accepted", code)
        judge.equal("4.5.2-01", "mounted there", expected=False, observed=pair.mounted(GROUP, TWO))
        pair.until_accepted("server.return", server=TWO)
        pair.wait(lambda s: set(s.servers.values()) == {"O"}, "both servers to be O")
        back = pair.wait_set(SET, "NORMAL").sets[SET]
        judge.equal(
            "4.4-02", "how it was rebuilt", expected="high-speed", observed=back.get("copy_mode_last")
        )
        kept = pair.checksum(GROUP, ONE, AFTER)
        pair.operate("group.move", group=GROUP, to=TWO)
        pair.wait_place(GROUP, TWO)
        judge.equal("4.4-02", "what it holds", expected=kept, observed=pair.checksum(GROUP, TWO, AFTER))
        pair.operate("group.move", group=GROUP, to=ONE)
        pair.wait_place(GROUP, ONE)


def _read(pair: Pair, judge: Judge) -> None:
    """The isolated side: as it was, and not to be written."""
    device = str(pair.adapter.request("read", {"set": SET, "server": TWO})["devices"][LETTER])
    judge.equal("4.4-02", "what was written before", expected=True, observed=holds(pair, device, BEFORE))
    judge.equal("4.4-02", "what was written after", expected=False, observed=holds(pair, device, AFTER))
    argv = ["dd", "if=/dev/zero", f"of={device}", "count=1", "conv=fsync"]
    written = pair.see.run(TWO, argv, timeout_s=30)
    judge.holds("4.4-02", "the isolated side refuses writes", written.returncode != 0, written.stderr)
    pair.adapter.request("read", {"set": SET, "server": TWO, "end": True})
