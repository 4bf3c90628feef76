"""9.1: how long a switch of servers takes, as far as it is a matter of settings and arithmetic."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.static import Static


@clause("9.1-03")
def test_ten_heartbeats_of_three_seconds(static: Static) -> None:
    """Untouched, a server counts as down after 10 missed heartbeats of 3 seconds: 30 seconds, not 27 and not 33."""
    found = static.estimate("heartbeat", "interval_s", "count", "timeout_s")
    static.judge.equal("9.1-03", "seconds between heartbeats", expected=3, observed=found["interval_s"])
    static.judge.equal("9.1-03", "missed heartbeats", expected=10, observed=found["count"])
    static.judge.equal("9.1-03", "seconds until detection", expected=30, observed=found["timeout_s"])


@clause("9.1-08")
@pytest.mark.parametrize("kind", ["floating_ip", "virtual_computer_name", "mirror_disk"])
def test_time_is_multiplied_by_the_number_of_resources(static: Static, kind: str) -> None:
    """n resources of a kind take n times as long as one, none takes nothing, and kinds add up."""

    def seconds(**resources: int) -> float:
        return float(static.estimate("switching_time", "resources_s", resources=resources)["resources_s"])

    one = seconds(**{kind: 1})
    static.judge.holds("9.1-08", "one takes a time", one > 0, one)
    for count in (0, 2, 3):
        static.judge.equal(
            "9.1-08", f"{count} of them", expected=count * one, observed=seconds(**{kind: count})
        )
    both = seconds(**{kind: 2, "monitor": 1})
    static.judge.equal("9.1-08", "with a monitor", expected=2 * one + seconds(monitor=1), observed=both)
