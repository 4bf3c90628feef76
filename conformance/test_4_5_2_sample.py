"""4.5.2: the sample start script and its helper, led through every branch by what the port tells them."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.sample_texts import BESIDE, GROUP
from conformance.suite.samples import AWAY, HOME, Ran, sampled

pytestmark = [pytest.mark.needs("script_commands"), pytest.mark.cluster("samples")]
FAILURE = ("ERROR_DISK", "NOARM", "EXIT")


def labels(runs: list[Ran]) -> list[tuple[str, ...]]:
    """The way that each run took."""
    return [run.labels for run in runs]


@clause("4.5.2-04", "4.5.2-10")
def test_each_group_has_a_start_script_with_a_place_for_either_server(pair: Pair, judge: Judge) -> None:
    """Every group has its start script, run for it when it starts; at home it comes by the place for the home server,
    elsewhere by ON_OTHER1, and both end at EXIT.
    """
    seen = sampled(pair)
    for group in (GROUP, BESIDE):
        runs = seen.starts("start at home", HOME, group)
        judge.equal("4.5.2-04", f"runs of {group}'s script", expected=1, observed=len(runs))
        at_home = [("NORMAL", "home server", "EXIT")]
        judge.equal("4.5.2-10", f"{group} at home", expected=at_home, observed=labels(runs))
    away = labels(seen.starts("start elsewhere", AWAY))
    judge.equal("4.5.2-10", "elsewhere", expected=[("NORMAL", "ON_OTHER1", "EXIT")], observed=away)


@clause("4.5.2-06")
def test_without_a_cluster_the_script_does_nothing(pair: Pair, judge: Judge) -> None:
    """Run by hand no variable is set: it comes by NOARM alone; with another word in ARMS_EVENT likewise."""
    seen = sampled(pair)
    for word, runs in seen.by_hand.items():
        observed = [(run.labels, run.told) for run in runs]
        expected = [(("NOARM", "EXIT"), (word, "", ""))]
        judge.equal(
            "4.5.2-06", f"by hand, ARMS_EVENT {word or 'not set'}", expected=expected, observed=observed
        )


@clause("4.5.2-11", "4.5.2-12")
def test_a_failover_has_a_place_for_either_server(pair: Pair, judge: Judge) -> None:
    """After a failover the script comes by FAILOVER: at home by the place for the home server, elsewhere by ON_OTHER2;
    when the disk has failed it comes by ERROR_DISK before it looks at the server.
    """
    seen = sampled(pair)
    for occasion, server, place in (
        ("failover to home", HOME, "home server"),
        ("failover elsewhere", AWAY, "ON_OTHER2"),
    ):
        runs = labels(seen.starts(occasion, server))
        judge.equal("4.5.2-12", occasion, expected=[("FAILOVER", place, "EXIT")], observed=runs)
        judge.equal("4.5.2-11", occasion, expected=[("FAILOVER", place, "EXIT")], observed=runs)
    failed = labels(seen.starts("disk error elsewhere", AWAY))
    judge.equal("4.5.2-11", "without the disk", expected=[("FAILOVER", *FAILURE)], observed=failed)


@clause("4.5.2-13")
def test_a_recovery_needs_nothing(pair: Pair, judge: Judge) -> None:
    """When its server has returned, the script of each group is run there with RECOVER, and goes straight to EXIT."""
    seen = sampled(pair)
    for group in (GROUP, BESIDE):
        runs = [run.labels for run in seen.starts("return", HOME, group) if run.told[0] == "RECOVER"]
        judge.equal("4.5.2-13", f"{group} on return", expected=[("RECOVER", "EXIT")], observed=runs)


@clause("4.5.2-07", "4.5.2-14", "4.5.2-15")
def test_a_disk_error_at_the_start_starts_the_helper(pair: Pair, judge: Judge) -> None:
    """Started at home while its data is not the latest there, the script is told START and FAILURE: it comes by
    ERROR_DISK, through NOARM to EXIT. The helper that it started lives on after it, and moves the group.
    """
    seen = sampled(pair)
    runs = seen.starts("disk error at home", HOME)
    told = [run.told for run in runs]
    judge.equal("4.5.2-07", "what it is told", expected=[("START", "HOME", "FAILURE")], observed=told)
    way = ("NORMAL", *FAILURE)
    judge.equal(("4.5.2-07", "4.5.2-15"), "its way", expected=[way], observed=labels(runs))
    helped = [("outlives the start script", "ARMFOVER", "EXIT")]
    observed = labels(seen.helpers("disk error at home", HOME))
    judge.equal("4.5.2-14", "the helper's way", expected=helped, observed=observed)
    judge.equal("4.5.2-14", "the group", expected=AWAY, observed=seen.places["disk error at home"])


@clause("4.5.2-16", "4.5.2-19")
def test_the_helper_does_nothing_elsewhere(pair: Pair, judge: Judge) -> None:
    """When the disk fails on the other server the helper goes straight to EXIT, and the group stays; at home it ends at
    EXIT too.
    """
    seen = sampled(pair)
    observed = labels(seen.helpers("disk error elsewhere", AWAY))
    judge.equal("4.5.2-16", "the helper's way elsewhere", expected=[("EXIT",)], observed=observed)
    kept = seen.places["after a disk error elsewhere"]
    judge.equal("4.5.2-16", "the group", expected=AWAY, observed=kept)
    for occasion, server in (("disk error at home", HOME), ("disk error elsewhere", AWAY)):
        ends = [run.labels[-1] for run in seen.helpers(occasion, server)]
        judge.equal("4.5.2-19", f"the helper's end, {occasion}", expected=["EXIT"], observed=ends)
