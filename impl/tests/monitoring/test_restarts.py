"""Faults of loaded programs: what follows, row by row and over whole histories."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.monitoring.restarts import (
    FAIL_OVER,
    FAULTS,
    NOTHING,
    RESTART,
    RESTART_SCRIPTS,
    RESTARTS_MAX,
    SHUT_DOWN,
    Count,
    Policy,
    fault,
)

HOUR_MS = 3_600_000


def history(policy: Policy, ran_ms: list[int]) -> list[str]:
    """Return what follows each fault of a program that ran that long each time, from the count zero on."""
    count, now_ms, actions = Count(0, 0), 0, []
    for ran in ran_ms:
        now_ms += ran
        action, count = fault(policy, count, now_ms)
        actions.append(action)
    return actions


def test_the_table_is_whole() -> None:
    """Every combination has its row."""
    assert set(FAULTS) == set(itertools.product((False, True), repeat=4))


def test_the_sample_of_the_guide() -> None:
    """ARMLOAD /R 2 /H 1: ends 1 and 2 within the interval restart it, the third shuts the server down (9.3-05)."""
    policy = Policy(restarts_max=2, reset_ms=HOUR_MS)
    assert history(policy, [10, 10, 10]) == [RESTART, RESTART, SHUT_DOWN]
    assert history(policy, [10, 10, HOUR_MS]) == [RESTART, RESTART, RESTART]


@pytest.mark.parametrize(
    ("policy", "within", "beyond"),
    [
        (Policy(restarts_max=1), RESTART, SHUT_DOWN),
        (Policy(restarts_max=1, failover=True), RESTART, FAIL_OVER),
        (Policy(restarts_max=1, scripts=True), RESTART_SCRIPTS, SHUT_DOWN),
        (Policy(restarts_max=1, scripts=True, failover=True), RESTART_SCRIPTS, FAIL_OVER),
        (Policy(restarts_max=1, monitor=False), NOTHING, NOTHING),
    ],
)
def test_scope_and_action_are_as_told(policy: Policy, within: str, beyond: str) -> None:
    """/SCR chooses what is restarted, /FOV what follows beyond the threshold (6.3-14, 6.3-15)."""
    assert history(policy, [10, 10]) == [within, beyond]


@given(st.integers(0, RESTARTS_MAX), st.integers(1, 200))
def test_without_a_pause_there_are_exactly_n_restarts(restarts_max: int, faults: int) -> None:
    """Faults 1 to n restart; number n + 1 and all after it do not (6.3-12)."""
    actions = history(Policy(restarts_max=restarts_max), [1] * faults)
    assert actions == [RESTART if number < restarts_max else SHUT_DOWN for number in range(faults)]


@given(st.integers(1, 5), st.lists(st.integers(0, 2 * HOUR_MS), max_size=40))
def test_no_more_restarts_in_a_row_than_the_threshold(restarts_max: int, ran_ms: list[int]) -> None:
    """Between two runs as long as the interval there are at most n restarts (6.3-13)."""
    policy = Policy(restarts_max=restarts_max, reset_ms=HOUR_MS)
    row = 0
    for ran, action in zip(ran_ms, history(policy, ran_ms), strict=True):
        if action != RESTART:
            assert row == restarts_max
            break
        row = 1 if ran >= HOUR_MS else row + 1
        assert row <= restarts_max


@given(st.lists(st.integers(0, 10 * 8760 * HOUR_MS), min_size=2, max_size=10))
def test_interval_zero_never_clears(ran_ms: list[int]) -> None:
    """With /H 0 the count is never cleared, however long it ran."""
    assert history(Policy(restarts_max=1, reset_ms=0), ran_ms)[1:] == [SHUT_DOWN] * (len(ran_ms) - 1)


@pytest.mark.parametrize("wrong", [{"restarts_max": -1}, {"restarts_max": 100}, {"reset_ms": -1}])
def test_a_policy_outside_its_range_is_a_bug(wrong: dict[str, int]) -> None:
    """The border refuses such words; in the core they cannot occur."""
    with pytest.raises(ValueError, match="restarts"):
        Policy(**wrong)  # type: ignore[arg-type]
