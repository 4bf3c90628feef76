"""The memory of mirror sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.guide.memory import cluster_memory_kib, formula, set_memory_kib, shortage


@pytest.mark.parametrize(
    ("size_kib", "count", "memory_kib"), [(64, 64, 18432), (128, 64, 34816), (64, 128, 26624), (32, 0, 6144)]
)
def test_formula(size_kib: int, count: int, memory_kib: int) -> None:
    """(size x (number + 64) + 1024) x 2 in KiB, for the inputs of the catalogue (4.5.1-02)."""
    assert set_memory_kib(size_kib, count) == memory_kib


def test_defaults_need_eighteen_mib() -> None:
    """With 64 KiB and 64 requests a set needs 18 MiB (4.5.1-05)."""
    assert set_memory_kib(64, 64) == 18 * 1024


def test_sets_add_up() -> None:
    """Eight sets with the defaults need 144 MiB (2.2.1-13)."""
    assert cluster_memory_kib([(64, 64)] * 8) == 144 * 1024


@pytest.mark.parametrize(("size_kib", "count"), [(-1, 64), (64, -1)])
def test_negative_is_refused(size_kib: int, count: int) -> None:
    """Neither size nor number can be negative."""
    with pytest.raises(ValueError, match="negative"):
        set_memory_kib(size_kib, count)


def test_the_formula_is_shown_with_its_numbers() -> None:
    """As the guide prints it."""
    assert formula(64, 128) == "(64 x (128 + 64) + 1024) x 2 KiB"


@given(st.integers(0, 4096), st.integers(0, 4096), st.integers(0, 1 << 26))
def test_a_shortage_is_told_exactly_when_there_is_one(size_kib: int, count: int, available: int) -> None:
    """By the same formula (4.5.1-01)."""
    assert bool(shortage("set1", size_kib, count, available)) is (set_memory_kib(size_kib, count) > available)


def test_what_others_were_promised_is_not_available() -> None:
    """The own promise is."""
    claims = {"set1": 18432, "set2": 100}
    assert shortage("set1", 64, 64, 18532, claims) == ""
    assert "100 of them promised" in shortage("set1", 64, 64, 18531, claims)
