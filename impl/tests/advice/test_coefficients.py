"""The file of measured coefficients: read, refused, written."""

import json
from typing import Any

import pytest

from impl.tests.advice.measured_costs import BODY, body
from twinset.advice import coefficients
from twinset.advice.coefficients import Interval
from twinset.errors import Refusal


def test_what_was_read_is_written_again() -> None:
    """The layout has one reader and one writer, and they agree."""
    assert json.loads(json.dumps(coefficients.as_json(coefficients.parse(BODY)))) == BODY


def test_parts_that_were_not_measured_may_be_absent() -> None:
    """A run of a few cells has neither copies nor the parts of a lone write."""
    found = coefficients.parse({name: BODY[name] for name in ("format", "processors", "operations")})
    assert (found.lone, found.copy, found.switching_s, found.about) == (None, None, {}, {})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "in format 1 .found 2"),
        ({"operations": 5}, "damaged"),
        ({"processors": "many"}, "damaged"),
        ({"copy": {"mib_s": [3, 4, 5]}}, "damaged"),
        ({"copy": {**BODY["copy"], "mib_s": [5, 6, 7]}}, "5.0 does not lie within 6.0 to 7.0"),
        ({"operations": {"a": {**BODY["operations"]["write-1"], "depth": 0}}}, "depth 0"),
    ],
)
def test_damaged_files_are_refused_with_the_reason(change: dict[str, Any], reason: str) -> None:
    """Nothing is reckoned from figures that cannot be."""
    with pytest.raises(Refusal, match=reason):
        coefficients.parse(body(**change))


@pytest.mark.parametrize("found", [None, [], "text", {}])
def test_other_files_are_refused(found: Any) -> None:
    """A run's own file is no file of coefficients; the refusal says how to make one."""
    with pytest.raises(Refusal, match="no measured coefficients") as refused:
        coefficients.parse(found)
    assert "report RUN.json --coefficients" in refused.value.help


def test_bounds_follow_their_figure() -> None:
    """The slow end of a time is the low end of its rate."""
    assert Interval(10, 5, 20).under(100) == Interval(10, 5, 20)
    assert Interval(4, 2, 5).times(2).plus(Interval(1, 1, 3)) == Interval(9, 5, 13)
