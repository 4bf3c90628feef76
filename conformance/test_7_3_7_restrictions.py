"""7.3.7: what keeps a virtual computer name from being used."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.far_names import AWAY, HOME, LONG_S, SHORT_S, watch
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair

needs = pytest.mark.needs("name_servers", "remote_lan")


@needs
@pytest.mark.cluster("wins-own")
@clause("7.3.7-01")
def test_association_lifts_the_restriction_on_own_servers(pair: Pair, judge: Judge) -> None:
    """The other server of the cluster comes to an associated name by the name alone."""
    judge.equal("7.3.7-01", "from the standby", expected=True, observed=watch(pair).before.from_standby)


@needs
@pytest.mark.cluster("wins-outside")
@clause("7.3.7-05", "7.3.7-06")
def test_dns_forgets_what_it_learnt_within_a_second(pair: Pair, judge: Judge) -> None:
    """Two DNS servers ask the name server for an unassociated name: after the loss of server 1 the one that keeps
    answers for an hour names the lost server still, the one that keeps them for a second names the other.
    """
    seen = watch(pair)
    for keep_s in (LONG_S, SHORT_S):
        judge.equal(
            "7.3.7-05",
            f"kept for {keep_s} s, before",
            expected=seen.fixed[HOME],
            observed=seen.before.dns[keep_s],
        )
    judge.equal(
        "7.3.7-05", f"kept for {LONG_S} s, after", expected=seen.fixed[HOME], observed=seen.after.dns[LONG_S]
    )
    judge.equal(
        "7.3.7-06",
        f"kept for {SHORT_S} s, after",
        expected=seen.fixed[AWAY],
        observed=seen.after.dns[SHORT_S],
    )
