"""Where the time of a sampled operation went, by a clock that the test turns."""

from __future__ import annotations

from typing import Any

import pytest

from twinset.mirror import latency
from twinset.mirror.latency import FLUSH, READ, RECEIVED, SAMPLES_MAX, STAGES, WRITE, Latency

US = 1000


class Watched:
    """A Latency with a clock; each step takes as many microseconds as it says."""

    def __init__(self, every: int = 1) -> None:
        self.now_ns = 10**12
        self.latency = Latency(lambda: self.now_ns)
        self.latency.turn(every)

    def begin(self, kind: int, op: object | None = None) -> object:
        """An operation that was received now begins."""
        op = object() if op is None else op
        self.latency.begin(op, kind, self.now_ns)
        return op

    def after_us(self, us: int, stamp: str, *arguments: int) -> None:
        """The next thing that happens to the watched operation."""
        self.now_ns += us * US
        getattr(self.latency, stamp)(*arguments)

    def means_us(self, name: str) -> dict[str, float]:
        """Mean of every stage of what was seen of one kind, its total, and what ran beside."""
        found = self.latency.told()["operations"][name]
        beside = {"receipt": found["receipt"]} if "receipt" in found else {}
        figures: dict[str, dict[str, float]] = found["stages"] | {"total": found["total"]} | beside
        return {stage: each["mean_us"] for stage, each in figures.items()}


def mirrored(watched: Watched) -> None:
    """A mirrored write, up to the end of its own disk."""
    watched.begin(WRITE)
    watched.after_us(3, "queued", 7)
    assert watched.latency.unsent
    watched.after_us(5, "sent")
    assert not watched.latency.unsent
    watched.after_us(40, "submitted")
    watched.after_us(20, "on_disk", 0)


def test_a_mirrored_write_is_taken_apart_from_its_arrival_to_its_answer() -> None:
    """Each stage ends where the next one begins, so they add up to the whole."""
    watched = Watched()
    mirrored(watched)
    assert watched.latency.seq == 7
    watched.after_us(11, "on_other")
    watched.after_us(1, "ended", 0)
    assert watched.latency.unanswered
    watched.after_us(2, "answered")
    assert watched.means_us("write") == {
        "queue": 3, "send": 5, "receipt": 40, "own_disk": 20, "other_disk": 11, "reply": 3, "total": 82,
    }  # fmt: skip
    assert watched.latency.op is None


def test_the_other_disk_costs_nothing_where_it_was_faster() -> None:
    """Its word came while the own disk still worked."""
    watched = Watched()
    watched.begin(WRITE)
    for us, stamp, *arguments in ((3, "queued", 7), (5, "sent"), (40, "submitted"), (9, "on_other")):
        watched.after_us(us, str(stamp), *arguments)
    watched.after_us(20, "on_disk", 0)
    watched.after_us(1, "ended", 0)
    watched.after_us(2, "answered")
    found = watched.means_us("write")
    assert (found["own_disk"], found["other_disk"], found["reply"]) == (29, 0, 3)
    assert found["total"] == 80


@pytest.mark.parametrize(("kind", "name"), [(WRITE, "write_alone"), (READ, "read")])
def test_what_only_the_own_disk_does_has_three_stages(kind: int, name: str) -> None:
    """A read, and a write while the other side is away."""
    watched = Watched()
    watched.begin(kind)
    watched.after_us(4, "submitted")
    watched.after_us(50, "on_disk", 0)
    watched.after_us(1, "ended", 0)
    watched.after_us(5, "answered")
    assert watched.means_us(name) == {"queue": 4, "own_disk": 50, "reply": 6, "total": 60}


def test_a_flush_waits_for_its_disks() -> None:
    """It has no stages inside: both disks work at once."""
    watched = Watched()
    watched.begin(FLUSH)
    watched.after_us(70, "ended", 0)
    watched.after_us(5, "answered")
    assert watched.means_us("flush") == {"disks": 70, "reply": 5, "total": 75}


def test_the_other_side_times_what_it_received() -> None:
    """Its receipt leaves beside its disk; only the word that it is written counts as the answer."""
    watched = Watched()
    watched.begin(RECEIVED)
    watched.after_us(2, "submitted")
    assert watched.latency.owed
    watched.after_us(1, "acknowledged")
    assert watched.latency.unsent
    watched.after_us(3, "sent")
    assert watched.latency.op is not None
    watched.after_us(30, "on_disk", 0)
    watched.after_us(4, "acknowledged")
    watched.after_us(6, "sent")
    assert watched.means_us("received") == {
        "queue": 2, "disk": 34, "answer": 10, "receipt": 6, "total": 46,
    }  # fmt: skip


def test_a_receipt_that_waits_for_the_socket_is_not_the_word_that_it_is_written() -> None:
    """The disk was done while the socket was full: the next frame has the word."""
    watched = Watched()
    watched.begin(RECEIVED)
    watched.after_us(2, "submitted")
    watched.after_us(1, "acknowledged")
    watched.after_us(30, "on_disk", 0)
    watched.after_us(3, "sent")
    assert watched.latency.told()["operations"] == {}
    watched.after_us(4, "acknowledged")
    watched.after_us(6, "sent")
    assert watched.means_us("received")["answer"] == 13


def test_off_nothing_is_watched_and_on_begins_anew() -> None:
    """What was seen before is forgotten; the process says how often it samples."""
    watched = Watched()
    mirrored(watched)
    watched.latency.turn(0)
    assert watched.latency.op is None
    assert not (watched.latency.unsent or watched.latency.owed or watched.latency.unanswered)
    assert watched.latency.told() == {"every": 0, "operations": {}}
    watched.latency.turn(5)
    assert watched.latency.told() == {"every": 5, "operations": {}}


def test_every_nth_of_each_kind_is_watched() -> None:
    """Kinds are counted apart: a flush after each write does not hide one of them."""
    watched = Watched(every=3)
    seen = []
    for _ in range(9):
        for kind in (WRITE, FLUSH):
            op = watched.begin(kind)
            seen.append((kind, watched.latency.op is op))
            watched.latency.forget()
    assert [was for kind, was in seen if kind == WRITE] == [False, False, True] * 3
    assert [was for kind, was in seen if kind == FLUSH] == [False, False, True] * 3


def test_one_at_a_time_is_watched_and_not_for_ever() -> None:
    """The next one waits its turn; one that never ends is given up."""
    watched = Watched()
    first = watched.begin(WRITE)
    watched.after_us(1, "queued", 7)
    watched.begin(READ)
    assert watched.latency.op is first
    watched.now_ns += latency.GIVEN_UP_NS
    last = watched.begin(READ)
    assert watched.latency.op is last
    assert (watched.latency.seq, watched.latency.unsent) == (-1, False)


def test_what_was_received_before_it_was_turned_on_is_not_watched() -> None:
    """Its time of arrival is not known."""
    watched = Watched()
    watched.latency.begin(object(), WRITE, 0)
    assert watched.latency.op is None


@pytest.mark.parametrize(
    "steps",
    [
        [("submitted",), ("on_disk", 5)],
        [("submitted",), ("on_disk", 0), ("ended", 5)],
        [("queued", 1), ("sent",), ("queued", 2)],
    ],
)
def test_what_fails_or_is_sent_again_is_not_counted(steps: list[tuple[Any, ...]]) -> None:
    """Its time says nothing of the path."""
    watched = Watched()
    watched.begin(WRITE)
    for stamp, *arguments in steps:
        watched.after_us(1, stamp, *arguments)
    assert watched.latency.op is None
    assert watched.latency.told()["operations"] == {}


def test_what_the_other_side_did_alone_is_not_counted() -> None:
    """The own disk has failed: there are no stages of it."""
    watched = Watched()
    watched.begin(WRITE)
    for us, stamp, *arguments in ((3, "queued", 7), (5, "sent"), (40, "on_other"), (1, "ended", 0)):
        watched.after_us(us, str(stamp), *arguments)
    watched.after_us(2, "answered")
    assert watched.latency.told()["operations"] == {}


def test_the_newest_samples_are_kept() -> None:
    """What sampling costs in memory is bounded."""
    watched = Watched()
    for us in range(SAMPLES_MAX + 8):
        watched.begin(READ)
        watched.after_us(us, "submitted")
        watched.after_us(0, "on_disk", 0)
        watched.after_us(0, "ended", 0)
        watched.after_us(0, "answered")
    found = watched.latency.told()["operations"]["read"]
    assert found["count"] == SAMPLES_MAX
    assert found["stages"]["queue"]["mean_us"] == (8 + SAMPLES_MAX + 7) / 2


@pytest.mark.parametrize("every", [-1, latency.EVERY_MAX + 1])
def test_a_number_that_is_none_is_refused(every: int) -> None:
    """What was on goes on."""
    watched = Watched()
    with pytest.raises(ValueError, match="0 \\(off\\) to"):
        watched.latency.turn(every)
    assert watched.latency.every == 1


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    """Of two hundred values the 198th is the last that counts; tenths of a microsecond are told."""
    values = [us * US for us in range(200, 0, -1)]
    assert latency.spread_us(values) == {"mean_us": 100.5, "p50_us": 100, "p99_us": 198}
    assert latency.spread_us([7_777]) == {"mean_us": 7.8, "p50_us": 7.8, "p99_us": 7.8}


def test_every_kind_has_its_stages() -> None:
    """The names that the page, the command and the file of figures show."""
    assert STAGES["write"] == ("queue", "send", "receipt", "own_disk", "other_disk", "reply")


def test_a_process_begins_without() -> None:
    """Nothing is watched, owed or waited for until it is asked; no clock is read."""
    made = Latency(iter(()).__next__)
    assert made.told() == {"every": 0, "operations": {}}
    assert (made.op, made.seq) == (None, -1)
    assert not (made.owed or made.unsent or made.unanswered)
