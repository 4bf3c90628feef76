import json
from typing import Any

import pytest

from perf.errors import PerfError
from perf.figures import report, stored
from perf.figures.results import CopyMeasurement, Results
from perf.shell import machine
from perf.tests.factory import SURROUNDINGS, measurement, results

JOB = "randwrite-4k-qd16"
KEY = machine.key_of(SURROUNDINGS)
SETTINGS = {"matrix": "quick", "cells": ["a raw"]}
WORKLOADS = {JOB: "d1"}


def body_of(found: Results) -> Any:
    body = report.as_json(found, SURROUNDINGS, SETTINGS) | {"workloads": WORKLOADS}
    return json.loads(json.dumps(body))


@pytest.fixture
def full() -> Results:
    made = results({"raw": [100, 200]}, {"nbdcopy": [100]})
    cpu = {"active": 40.0, "standby": 30.0}
    made.add(
        f"{JOB}@disk-500",
        "rebuild",
        1,
        measurement(25, cpu_us_per_op=cpu, rebuild={"share": 0.9, "mib_s": 80.0}),
    )
    made.add_copy("full copy", 0, CopyMeasurement(1 << 20, 2.0, {"active": 7.0}))
    made.repeats, made.busy = {0: 1.01}, {0: 0.02}
    made.skipped, made.throttles = {"link-1g": "no tc"}, {"disk-500": 503.2}
    made.growth = {"mirror sets": {"1": {"start_s": 0.5, "rss_kib": 20_000.0}}}
    made.memory_kib, made.switches = {"start": {"active": 1}}, [{"script_started": 5.0}]
    return made


def test_file_read_back_is_the_run(full: Results) -> None:
    """Writing what was read gives the same file: nothing that was measured is lost on the way."""
    body = body_of(full)
    assert body_of(stored.load(body).results) == body


@pytest.mark.parametrize("body", [None, [], {}, {"format": 1}])
def test_other_files_are_refused(body: Any) -> None:
    """A file of another layout, or none of ours."""
    with pytest.raises(PerfError, match="format 2"):
        stored.load(body)


def test_damaged_file_is_refused(full: Results) -> None:
    """A part that is missing is said, not guessed."""
    body = body_of(full)
    del body["noise"]
    with pytest.raises(PerfError, match="noise"):
        stored.load(body)


def test_same_machine_commit_and_matrix_go_on(full: Results) -> None:
    """Everything still counts."""
    assert stored.resumed(stored.load(body_of(full)), KEY, SETTINGS, WORKLOADS).iops(JOB, "raw") == {
        0: 100,
        1: 200,
    }


@pytest.mark.parametrize(
    ("key", "settings", "reason"),
    [
        ({**KEY, "commit": "def"}, SETTINGS, "its commit was abc, it is def now"),
        ({**KEY, "versions": {"twinset": "2"}}, SETTINGS, "its versions"),
        ({**KEY, "machine": {**KEY["machine"], "kernel": "7"}}, SETTINGS, "its machine"),
        (KEY, {**SETTINGS, "matrix": "standard"}, "asked for is"),
    ],
)
def test_another_machine_commit_or_matrix_is_refused(
    full: Results, key: dict[str, Any], settings: dict[str, Any], reason: str
) -> None:
    """Figures of two different things are never one run."""
    with pytest.raises(PerfError, match=reason):
        stored.resumed(stored.load(body_of(full)), key, settings, WORKLOADS)


def test_changed_workload_is_measured_again(full: Results) -> None:
    """Its figures are left out under every condition; the others stay."""
    kept = stored.resumed(stored.load(body_of(full)), KEY, SETTINGS, {JOB: "d2"})
    assert kept.jobs == {}
    assert kept.measured("copy", "nbdcopy")
