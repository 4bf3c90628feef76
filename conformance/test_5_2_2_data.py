"""5.2.2: what applications find of the mirrored data, and when."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.moved import AWAY, HOME, moved
from conformance.suite.pair import Pair

mirrored = pytest.mark.cluster("copies")


@mirrored
@clause("5.2.2-05", "5.2.2-17")
def test_the_disk_is_there_while_scripts_run(pair: Pair, judge: Judge) -> None:
    """The stop script still finds the disk mounted, afterwards it is unmounted there; the start script finds it too."""
    seen = moved(pair)
    judge.holds("5.2.2-05", "mounted during the stop script", f"stop {HOME}" in seen.noted, seen.noted)
    judge.equal("5.2.2-05", "mounted afterwards", expected=False, observed=seen.after.mounted[HOME])
    judge.holds("5.2.2-17", "mounted during the start script", f"start {AWAY}" in seen.noted, seen.noted)


@mirrored
@clause("5.2.2-16")
def test_an_inactive_partition_is_not_ready(pair: Pair, judge: Judge) -> None:
    """On the server without the group neither its file system nor its block device can be used; it is so on either."""
    seen = moved(pair)
    for look, server in ((seen.before, AWAY), (seen.after, HOME)):
        judge.equal("5.2.2-16", f"mounted on {server}", expected=False, observed=look.mounted[server])
        judge.equal("5.2.2-16", f"served on {server}", expected=False, observed=look.served[server])


@mirrored
@clause("5.2.2-20")
def test_a_server_has_several_addresses_and_some_move(pair: Pair, judge: Judge) -> None:
    """The active server has the floating address beside its fixed one; after the move the other one has it."""
    seen = moved(pair)
    for look, server, other in ((seen.before, HOME, AWAY), (seen.after, AWAY, HOME)):
        own = look.addresses[server]
        judge.holds("5.2.2-20", f"{server} has both", {seen.fip, seen.fixed[server]} <= set(own), own)
        judge.holds(
            "5.2.2-20", f"{other} has it not", seen.fip not in look.addresses[other], look.addresses[other]
        )


@mirrored
@clause("5.2.2-08")
def test_what_is_on_the_mirrored_disk_is_passed_on_and_nothing_else(pair: Pair, judge: Judge) -> None:
    """After a move the other server has the file of the mirrored disk; one beside it, on the server's own, it has not.
    Registry keys, the second kind of data that is passed on, are judged in 6.2.7.
    """
    seen = moved(pair)
    judge.holds("5.2.2-08", "both files were written", all(seen.written.values()), seen.written)
    expected = {"on the disk": seen.written["on the disk"], "beside it": ""}
    judge.equal("5.2.2-08", "on the other server", expected=expected, observed=seen.found)
