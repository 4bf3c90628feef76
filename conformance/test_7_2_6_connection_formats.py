"""7.2.6: who connects to whom by which address."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.moved import AWAY, HOME, Moved, moved
from conformance.suite.pair import Pair

mirrored = pytest.mark.cluster("copies")


def outgoing(seen: Moved) -> tuple[str, str]:
    """From which address the active server spoke, before and after the move."""
    return seen.before.outgoing, seen.after.outgoing


def physical(seen: Moved) -> tuple[str, str]:
    """The fixed address of the active server, before and after the move."""
    return seen.fixed[HOME], seen.fixed[AWAY]


@mirrored
@clause("7.2.6-02", "7.2.6-03", "7.2.6-05")
def test_format_1_a_client_names_the_floating_address(pair: Pair, judge: Judge) -> None:
    """The client names an address and reaches the server; after the move the same address leads to the other one."""
    seen = moved(pair)
    judge.equal("7.2.6-02", f"{seen.fip} reached", expected=True, observed=seen.before.reached_from["client"])
    judge.equal("7.2.6-03", "the destination", expected=HOME, observed=seen.before.owner)
    again = (seen.after.reached_from["client"], seen.after.owner)
    judge.equal("7.2.6-05", "the same address again", expected=(True, AWAY), observed=again)


@mirrored
@clause("7.2.6-04", "2.3.1-04")
def test_the_arp_table_of_the_client_changes(pair: Pair, judge: Judge) -> None:
    """The new server tells the LAN, and the client's entry is the new server's before the client asks anything."""
    seen = moved(pair)
    judge.equal("7.2.6-04", "before", expected=seen.macs[HOME], observed=seen.table_before)
    judge.equal("7.2.6-04", "after", expected=seen.macs[AWAY], observed=seen.table_after)
    judge.holds("2.3.1-04", f"an announcement from {AWAY}", bool(seen.announced), seen.announced)
    spread = any("ff:ff:ff:ff:ff:ff" in line for line in seen.announced)
    judge.holds("2.3.1-04", "to everyone on the LAN", spread, seen.announced)


@mirrored
@clause("7.2.6-09", "7.2.6-16", "7.2.6-13", "7.2.6-11")
def test_format_2_the_server_speaks_from_its_fixed_address(pair: Pair, judge: Judge) -> None:
    """The client side uses the floating address; what the active server begins itself comes from its fixed one, with
    nothing bound.
    """
    seen = moved(pair)
    judge.equal("7.2.6-09", "before and after a move", expected=physical(seen), observed=outgoing(seen))
    judge.holds("7.2.6-13", "never from the floating one", seen.fip not in outgoing(seen), outgoing(seen))
    both = (seen.after.reached_from["client"], seen.after.outgoing)
    judge.equal("7.2.6-11", "in by one, out by the other", expected=(True, seen.fixed[AWAY]), observed=both)


@mirrored
@clause("7.2.6-08", "7.2.6-12")
def test_format_2_after_a_move(pair: Pair, judge: Judge) -> None:
    """The client's entry has changed, the same address leads to the new server, and that one speaks to others."""
    seen = moved(pair)
    judge.equal("7.2.6-08", "the client's way", expected=True, observed=seen.before.reached_from["client"])
    expected = (seen.macs[AWAY], True, seen.fixed[AWAY])
    observed = (seen.table_after, seen.after.reached_from["client"], seen.after.outgoing)
    judge.equal("7.2.6-12", "entry, way in, way out", expected=expected, observed=observed)
