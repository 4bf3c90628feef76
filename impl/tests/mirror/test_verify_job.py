"""The list of differences of a comparison is bounded, covers everything, and survives as JSON."""

from __future__ import annotations

from random import Random

from twinset.mirror.verify_job import RANGES_MAX, Job, from_json

SIZE = 1 << 20


def test_neighbours_become_one_range_and_nothing_counts_twice() -> None:
    """Blocks that touch are one range; a block that is noted again after an interruption is known."""
    job = Job(1, "a-b", SIZE)
    assert [job.note(at, 4096) for at in (8192, 0, 4096, 4096, 8192)] == [True, True, True, False, False]
    assert job.ranges == [[0, 12288]]
    assert job.found_bytes == 12288


def test_the_list_is_bounded_and_still_covers_every_difference() -> None:
    """Beyond the bound ranges grow together: more is covered, never less."""
    random = Random(5)
    job, noted = Job(1, "a-b", SIZE), set()
    for _ in range(500):
        at = random.randrange(SIZE // 512 - 1) * 512
        job.note(at, 512)
        noted.add(at)
    assert len(job.ranges) <= RANGES_MAX
    assert job.merged
    covered = {at for offset, length in job.ranges for at in range(offset, offset + length, 512)}
    assert noted <= covered
    assert job.ranges == sorted(job.ranges)
    assert all(one[0] + one[1] < two[0] for one, two in zip(job.ranges, job.ranges[1:], strict=False))


def test_a_job_survives_as_json_and_rubbish_does_not() -> None:
    """What cannot be read begins anew."""
    job = Job(7, "a-b", SIZE, repair=True, cursor=512)
    job.note(1024, 512)
    saved = job.to_json()
    assert from_json(saved) == job
    for change in (
        {"state": "mad"}, {"cursor": SIZE + 1}, {"ranges": [[SIZE, 1]]}, {"ranges": [1]}, {"number": None},
    ):  # fmt: skip
        assert from_json({**saved, **change}) is None
    assert from_json({}) is None
