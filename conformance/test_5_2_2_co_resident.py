"""5.2.2: an application beside the cluster that uses a mirrored partition."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.commands import Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import DEADLINE_S, SERVERS, Pair
from conformance.suite.refusals import refusal
from conformance.suite.wait import wait_for

GROUP = "db"
ONE, TWO = SERVERS


@pytest.mark.cluster("copies")
@clause("5.2.2-18")
def test_a_co_resident_application_keeps_the_partition_from_being_unmounted(pair: Pair, judge: Judge) -> None:
    """It is not told of the stop of the group and goes on; the group does not come to its end until it lets go of its
    file, and the partition passes to nobody meanwhile.
    """
    here, folder = Commands(pair, ONE), pair.see.scratch
    mount = str(pair.access(GROUP, ONE)["mount"])
    text = f"echo > {mount}/held; exec 3< {mount}/held; echo $$ > {folder}/holder; exec sleep 86400"
    here.shell(f"rm -f {folder}/holder")
    with pair.spoiled_on_error():
        pair.adapter.request("run", {"host": ONE, "argv": ["sh", "-c", text], "background": True})
        noted = ["sh", "-c", f"cat {folder}/holder || true"]
        holder = int(wait_for(lambda: pair.see.run(ONE, noted).stdout, bool, DEADLINE_S, "the holder"))
        refusal(pair, "group.stop", group=GROUP)
        ended = pair.settle(lambda s: s.state(GROUP) != "inactive")
        stopped = ended.state(GROUP)
        judge.holds("5.2.2-18", "the group's stop does not succeed", stopped != "inactive", stopped)
        judge.holds("5.2.2-18", "the application was not told and goes on", here.lives(holder), holder)
        judge.equal("5.2.2-18", "on the other server", expected=False, observed=pair.mounted(GROUP, TWO))
        here.kill(holder)
        pair.until_accepted("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, ONE)
