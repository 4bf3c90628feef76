"""What is kept of a loaded program."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.monitoring.loaded import Loaded, Order, from_json
from twinset.monitoring.restarts import RESTARTS_MAX, Count, Policy

policies = st.builds(
    Policy, st.booleans(), st.integers(0, RESTARTS_MAX), st.integers(0, 1 << 40), st.booleans(), st.booleans()
)
orders = st.builds(
    Order, st.text(min_size=1), st.text(), st.lists(st.text(), min_size=1).map(tuple), st.booleans(), st.text(),
    st.text(), st.dictionaries(st.text(), st.text()), policies,
)  # fmt: skip
everything = st.builds(
    Loaded,
    orders,
    st.text(),
    st.builds(Count, st.integers(0), st.integers(0)),
    st.integers(0),
    st.integers(0),
)


@given(everything)
def test_what_is_kept_comes_back(loaded: Loaded) -> None:
    """Through the file and back nothing changes."""
    assert from_json(json.loads(json.dumps(loaded.to_json()))) == loaded


@pytest.mark.parametrize(
    "change",
    [
        {"order": None}, {"order": {}}, {"count": {"restarts": 0, "x": 1}}, {"pid": "x"}, {"mark": None, "pid": None},
        {"order": {"watch": "W", "group": "db", "argv": 3, "policy": {}}},
        {"order": {"watch": "W", "group": "db", "argv": ["a"], "policy": {"restarts_max": -1}}},
    ],
)  # fmt: skip
def test_a_damaged_entry_is_left_out(change: dict[str, Any]) -> None:
    """An entry that cannot be read is None, not an exception at the daemon's start."""
    good = Loaded(Order("W1", "db", ("sleep", "1")), "mark").to_json()
    assert from_json(good) is not None
    assert from_json({**good, **change}) is None
    assert from_json(3) is None


def test_watch_ids_do_not_differ_by_case() -> None:
    """W1 and w1 are one watch ID (9.2-15)."""
    assert Order("W1", "db", ("a",)).key == Order("w1", "db", ("b",)).key
