"""What a mirror process tells for `twinset mirror stats`."""

from __future__ import annotations

from twinset.mirror.counts import Counts


def test_a_new_process_begins_at_zero_and_tells_every_count() -> None:
    """No number is left out of what is told, none begins elsewhere."""
    counts = Counts()
    assert set(counts.as_json()) == set(vars(counts))
    assert not any(counts.as_json().values())
    for number, name in enumerate(vars(counts)):
        setattr(counts, name, number)
    assert counts.as_json() == vars(counts)
