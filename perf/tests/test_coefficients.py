import pytest

from perf.errors import PerfError
from perf.figures import coefficients
from perf.figures.coefficients import SHAPES
from perf.figures.results import CopyMeasurement
from perf.shell import fio
from perf.tests.factory import SURROUNDINGS, measurement, results
from twinset.advice.coefficients import as_json, parse

LONE = "randwrite-4k-qd1"


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_those_of_the_job_files(name: str) -> None:
    """Size, depth and share of writes that the model reckons with are what fio does."""
    words = fio.load(name).options
    block_kib, depth, write_share = SHAPES[name]
    assert words["bs"] == {4: "4k", 1024: "1m"}[block_kib]
    assert int(words["iodepth"]) == depth
    assert 100 - int(words.get("rwmixread", 0)) == round(100 * write_share)
    assert ("write" in words["rw"]) == (write_share == 1)


def test_costs_of_one_run() -> None:
    """Rates and processor time with the bounds of a further round; the file reads back."""
    found = results({"raw": [1000, 1000]})
    for number, us in enumerate((40.0, 60.0)):
        cpu = {"active": us, "standby": 20.0}
        found.add("randwrite-4k-qd16", "mirrored", number, measurement(500, cpu_us_per_op=cpu))
        found.add_copy("full copy", number, CopyMeasurement(100 << 20, 1.0, {"active": 7.0, "standby": 5.0}))
    made = coefficients.measured(found, SURROUNDINGS)
    one = made.operations["randwrite-4k-qd16"]
    assert one.raw_iops.as_list() == [1000, 1000, 1000]
    assert one.active_us.low < 40 < one.active_us.middle < 60 < one.active_us.high
    assert made.copy is not None
    assert made.copy.mib_s.middle == pytest.approx(100)
    assert (made.processors, made.lone, made.switching_s) == (2, None, {})
    assert as_json(parse(as_json(made))) == as_json(made)


def test_parts_of_a_lone_write_are_differences_within_a_round() -> None:
    """Own: mirrored less the slower of both disks less the round trip; serving: broken less raw."""
    found = results({"raw": [1]}, job=LONE)
    for row, us in {"raw": 100, "limit": 120, "broken": 180, "round-trip": 50, "mirrored": 400}.items():
        figures = measurement(1000).figures
        found.add(LONE, row, 0, type(measurement(1))(type(figures)(**{**vars(figures), "mean_us": us})))
    lone = coefficients.measured(found, SURROUNDINGS).lone
    assert lone is not None
    parts = {name: getattr(lone, name).middle for name in ("own", "serving", "disk", "round_trip")}
    assert parts == {"own": 230, "serving": 80, "disk": 100, "round_trip": 50}


def test_parts_of_a_switch_are_those_of_the_slowest() -> None:
    """Each from the end of the part before, in seconds."""
    found = results({"raw": [1], "mirrored": [1]})
    found.switches = [
        {
            "server_down": 60_000,
            "mirror_disk_started": 60_400,
            "floating_ip_started": 60_500,
            "client": 61_000,
        },
        {
            "server_down": 60_000,
            "mirror_disk_started": 60_900,
            "floating_ip_started": 60_950,
            "client": 62_000,
        },
    ]
    assert coefficients.measured(found, SURROUNDINGS).switching_s == {
        "mirror_disk": 0.9, "floating_ip": 0.1, "client": 62.0,
    }  # fmt: skip


def test_run_without_mirror_has_no_coefficients() -> None:
    """Said, instead of a file without content."""
    with pytest.raises(PerfError, match="no coefficients"):
        coefficients.measured(results({"raw": [1]}), SURROUNDINGS)
