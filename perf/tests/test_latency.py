import io
from typing import Any

import pytest
from rich.console import Console

from perf.figures import latency, plots, report, stored
from perf.figures.results import Results
from perf.tests.factory import SURROUNDINGS, measurement, results

JOB = "randwrite-4k-qd1"


def spread(us: float) -> dict[str, float]:
    return {"mean_us": us, "p50_us": us - 1, "p99_us": us * 10}


def told(us: float, count: int = 5) -> dict[str, Any]:
    """What both sides tell of a run; the receipt takes `us`."""
    stages = {"queue": spread(10), "receipt": spread(us), "other_disk": spread(0)}
    return {
        "active": {"write": {"count": count, "stages": stages, "total": spread(us + 10)}},
        "standby": {
            "received": {"count": 3, "stages": {"disk": spread(7)}, "total": spread(7), "receipt": spread(9)}
        },
    }


def sampled() -> Results:
    made = results({"raw": [100, 100, 100], "mirrored": [50, 60, 80], "round-trip": [1] * 3}, job=JOB)
    for number, (iops, us) in enumerate(((49, 100), (60, 40), (76, 50))):
        cpu = {"active": 30.0, "standby": 20.0}
        made.add(JOB, "sampled", number, measurement(iops, latency=told(us), cpu_us_per_op=cpu))
    return made


def test_stages_of_a_run_are_medians_of_its_rounds() -> None:
    """One slow round does not set them; the samples of all rounds are counted."""
    write = latency.medians(sampled(), JOB)["active"]["write"]
    assert write["count"] == 15
    assert write["stages"]["receipt"] == spread(50)
    assert write["total"] == spread(60)
    assert latency.stages_us(sampled(), JOB) == {"queue": 10, "receipt": 50, "other disk": 0}


def test_a_kind_that_a_round_did_not_see_is_left_out_of_it() -> None:
    """A round without a sample on the standby, and one without any."""
    made = sampled()
    made.add(JOB, "sampled", 3, measurement(1, latency={"active": {}, "standby": {}}))
    made.add(JOB, "sampled", 4, measurement(1))
    assert latency.medians(made, JOB)["standby"]["received"]["count"] == 9


def test_the_floor_is_the_disk_and_a_round_trip() -> None:
    """Without one of them there is none."""
    made = sampled()
    assert latency.floor_us(made, JOB) == {"own disk": 100, "round trip": 100}
    del made.jobs[JOB]["raw"]
    assert latency.floor_us(made, JOB) == {}


def test_cost_of_sampling_is_a_ratio_of_neighbours() -> None:
    """With and without, paired by round, and said with the floor in a sentence each."""
    found = latency.cost(sampled(), JOB)
    assert found is not None
    assert [round(value, 2) for value in found.values] == [0.98, 1.0, 0.95]
    floor, cost = latency.lines(sampled())
    assert "takes 60 us" in floor
    assert "0.3 times the floor (own disk 100 + round trip 100)" in floor
    assert "leaves 0.98 of the operations a second (0.95 to 1.00); CPU 30.0 + 20.0 us" in cost


def test_stages_are_in_the_file_and_come_back() -> None:
    """Each round's as the processes told them, the run's medians and the ratio beside."""
    made = sampled()
    body = report.as_json(made, SURROUNDINGS, {}) | {"workloads": {}}
    entry = body["jobs"][JOB]["sampled"]
    assert entry["latency"]["every"] == latency.EVERY
    assert entry["latency"]["active"]["write"]["stages"]["receipt"]["p99_us"] == 500
    assert entry["ratio_to_mirrored"]["median"] == pytest.approx(0.98)
    again = stored.load(body).results
    assert again.jobs[JOB]["sampled"][1].latency == told(40)
    assert "latency" not in body["jobs"][JOB]["mirrored"]


def test_stages_are_plotted_beside_the_floor_and_listed() -> None:
    """A bar for the write, one for the floor; the table has the whole and what runs beside."""
    plot = next(one for one in plots.plots(sampled()) if one.title.startswith("Stages"))
    assert "receipt: 50.00 us" in plot.drawing
    assert "round trip: 100.00 us" in plot.drawing
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(latency.table(sampled()))
    shown = console.export_text()
    assert "other disk" in shown
    assert "(receipt)" in shown
    assert "all" in shown


def test_nothing_is_said_of_latencies_that_were_not_sampled() -> None:
    """A run without the row."""
    made = results({"raw": [1], "mirrored": [1]}, job=JOB)
    assert latency.jobs(made) == []
    assert latency.lines(made) == []
    assert len(list(report.tables(made))) == 1
