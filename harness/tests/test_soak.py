"""The schedule of a soak."""

from harness.soak.kinds import KINDS, SINGLE, schedule


def test_a_seed_replays_its_schedule_and_leaves_no_kind_out() -> None:
    """The same seed draws the same rounds; a whole cycle holds every kind once."""
    names = schedule(len(KINDS), 7)
    assert names == schedule(len(KINDS) + 5, 7)[: len(KINDS)]
    assert sorted(names) == sorted(KINDS)
    assert all(part in SINGLE for name in names for part in KINDS[name])
