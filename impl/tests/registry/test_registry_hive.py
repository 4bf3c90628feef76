"""Versions of an exported key: when there is a new one, whose counts, what a damaged one is worth."""

from dataclasses import replace
from typing import Any

import pytest

from twinset.errors import Refusal
from twinset.registry import hive as hives
from twinset.registry.hive import Hive

CONTENT: dict[str, Any] = {"": {"Port": ["dword", 1]}}
KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\ACME"


def made(known: Hive | None = None, content: Any = CONTENT) -> Hive:
    new = hives.next_version(known, "db", KEY, "twinset", content)
    assert new is not None
    return new


def test_each_change_is_a_version() -> None:
    """The first content is version 1, an equal one none, a deletion one; never having existed is none."""
    assert hives.next_version(None, "db", KEY, "twinset", None) is None
    first = made()
    assert (first.version, first.confirmed, first.restores) == (1, False, False)
    assert hives.next_version(first, "db", KEY, "twinset", dict(CONTENT)) is None
    second = made(first, None)
    assert (second.version, second.content) == (2, None)


def test_what_was_received_is_restored_once() -> None:
    """A received version waits for the next start here; once it is in the store it is this server's own."""
    kept = hives.taken(hives.from_json(made().offer(running=True)))
    assert (kept.restores, kept.confirmed, kept.content) == (True, True, CONTENT)
    assert not hives.restored(kept).restores


def test_a_file_and_a_message_keep_it_whole() -> None:
    """What is written is what is read."""
    kept = hives.taken(made())
    assert hives.from_json(kept.as_json()) == kept
    assert hives.from_json(made().offer(running=False)) == made()


@pytest.mark.parametrize(
    ("known", "offered", "runs_here", "running_there", "reason"),
    [
        (0, 1, False, True, ""),
        (5, 1, False, True, ""),  # the running server's word counts, whatever its number
        (5, 6, False, False, ""),
        (5, 5, False, False, "version 5 is here already"),
        (6, 5, False, False, "version 6 is here already"),
        (1, 9, True, False, "the group runs here"),
        (1, 9, True, True, "the group runs here"),
    ],
)
def test_whose_version_counts(
    known: int, offered: int, runs_here: bool, running_there: bool, reason: str
) -> None:
    """The server that runs the group first, then the higher version; every refusal says why (6.2.7-04)."""
    mine = replace(made(), version=known) if known else None
    theirs = replace(made(content=None, known=made()), version=offered)
    said = hives.judge(mine, theirs, runs_here=runs_here, running_there=running_there)
    assert said.startswith(reason)
    assert bool(said) == bool(reason)


def test_an_equal_version_is_taken_again() -> None:
    """A confirmation that was lost is asked for again; nothing is refused then."""
    assert not hives.judge(made(), made(), runs_here=False, running_there=False)


@pytest.mark.parametrize(
    "change",
    [
        {"content": {"": {"Port": ["dword", 2]}}}, {"content": 1}, {"version": 0}, {"version": True}, {"digest": None},
        {"group": 1}, {"version": 2**60}, {"content": "x" * 300_000},
    ],
)  # fmt: skip
def test_a_damaged_version_is_refused(change: dict[str, Any]) -> None:
    """A field of another type, a checksum that does not fit, too much: refused as a whole."""
    with pytest.raises(Refusal):
        hives.from_json({**made().as_json(), **change})


def test_a_key_that_is_too_large_is_no_version() -> None:
    """The limit, the clause and what helps are said."""
    with pytest.raises(Refusal, match=r"at most 262144 follow a group \[6\.2\.7-07\]"):
        made(content={"": {"x": ["sz", "x" * 300_000]}})
