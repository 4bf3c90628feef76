"""The guide's table of creation times."""

import pytest

from twinset.guide.copy_time import GB, SECONDS_PER_GB, full_copy_s


def test_one_gb_takes_what_the_table_says() -> None:
    """6.5, 11 and 4 minutes (4.4.1-04 to -06), in proportion."""
    assert list(full_copy_s(GB).values()) == [390, 660, 240]
    assert full_copy_s(GB // 2)["single disk"] == 195
    assert [each.clause for each in SECONDS_PER_GB.values()] == ["4.4.1-04", "4.4.1-05", "4.4.1-06"]


def test_a_negative_size_is_refused() -> None:
    """There is none."""
    with pytest.raises(ValueError):
        full_copy_s(-1)
