"""9.1: the planning of the switching time."""

import pytest

from conformance.suite.adapter import Adapter
from conformance.suite.cases import clause
from conformance.suite.judge import Judge

ADDRESS_S = 360  # 9.1-13, as printed


def planned(adapter: Adapter, **options: object) -> dict[str, object]:
    """The port's estimate."""
    adapter.require_tier("static")
    adapter.require("switching_time")
    return adapter.request("estimate", {"what": "switching_time", **options})


@clause("9.1-03")
@pytest.mark.parametrize(("heartbeats", "seconds"), [(None, 30), (2, 6), (20, 60)])
def test_detection_is_three_seconds_a_heartbeat(
    adapter: Adapter, judge: Judge, heartbeats: int | None, seconds: int
) -> None:
    """30 s by default; with another number of heartbeats three seconds for each."""
    options = {} if heartbeats is None else {"heartbeats": heartbeats}
    found = planned(adapter, **options)
    judge.equal("9.1-03", f"{heartbeats} heartbeats", expected=seconds, observed=found["heartbeat_s"])


@clause("9.1-08")
@pytest.mark.parametrize("count", [0, 1, 2, 64])
def test_resources_count_as_often_as_they_occur(adapter: Adapter, judge: Judge, count: int) -> None:
    """n floating IP addresses take n times the time of one."""
    one = planned(adapter, resources={"floating_ip": 1})["resources_s"]
    judge.equal("9.1-08", "one address", expected=ADDRESS_S, observed=one)
    found = planned(adapter, resources={"floating_ip": count})["resources_s"]
    judge.equal("9.1-08", f"{count} addresses", expected=count * ADDRESS_S, observed=found)
