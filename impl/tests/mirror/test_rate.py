"""How fast something goes, and how long the rest takes: an honest time left (4.3.3)."""

from __future__ import annotations

from twinset.mirror.rate import Rate


def test_the_rate_is_that_of_the_last_seconds() -> None:
    """What lies before the window is forgotten, so a copy that has become slow says so."""
    rate = Rate(1_000)
    assert rate.figures(0, 0, 10_000) == {"rate_bytes_s": 0, "left_s": None}
    assert rate.figures(500, 5_000, 5_000) == {"rate_bytes_s": 10_000, "left_s": 0.5}
    assert rate.figures(1_000, 5_000, 5_000)["rate_bytes_s"] == 5_000, "the first second has not passed"
    assert rate.figures(2_000, 5_500, 4_500) == {"rate_bytes_s": 500, "left_s": 9.0}, "from 5000 on"


def test_without_a_rate_nobody_knows_how_long_the_rest_takes() -> None:
    """Two words of one moment give no rate; nothing left takes no time all the same."""
    rate = Rate(1_000)
    rate.figures(0, 0, 100)
    assert rate.figures(0, 50, 50) == {"rate_bytes_s": 0, "left_s": None}
    assert rate.figures(0, 50, 0)["left_s"] == 0
    rate.figures(1_000, 1_000, 50)
    rate.reset()
    assert rate.figures(2_000, 2_000, 50)["rate_bytes_s"] == 0, "the past says nothing of what goes on now"
