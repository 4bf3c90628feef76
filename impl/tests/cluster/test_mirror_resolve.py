"""`mirror resolve`: what a choice means, and the order in which it is carried out on both servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Pair

S1, S2 = "server1", "server2"
APART: dict[str, Any] = {
    "state": "DIVERGED", "set_state": "DIVERGED", "session": "connected", "latest": None, "size_bytes": 1 << 30,
    "may_activate": {"ok": False, "reason": "both sides were written separately"}, "kept_room_bytes": 1 << 40,
}  # fmt: skip


def told(**fields: Any) -> dict[str, Any]:
    return {
        "given_up": False, "forced": False, "since_s": 1, "last_s": 2, "known": True, "bytes": 65536,
        "ranges": [[0, 65536]], "ranges_count": 1, "doubt": "", "keep_scope": "union", "keep_bytes": 131072, **fields,
    }  # fmt: skip


@pytest.fixture()
def split(started: Pair) -> Pair:
    """Set 1 is DIVERGED on both servers, its group is stopped."""
    started.ask(S1, "group.stop", group="A")
    report(started)
    return started


def report(pair: Pair, server: str = "", **fields: Any) -> None:
    for name in (S1, S2):
        pair.mirror(name, "set1", **{**APART, "diverged": told(), **(fields if name == server else {})})
    pair.run(6_000)


def test_a_dry_run_shows_what_is_discarded_copied_and_kept(split: Pair) -> None:
    """Both servers know it; nothing is done."""
    for server in (S1, S2):
        found = split.ask(server, "mirror.resolve", set="set1", keep=S1, dry_run=True).result
        assert (found["keep"], found["give_up"], found["mode"]) == (S1, S2, "high-speed")
        assert (found["copy_bytes"], found["discards"]["bytes"]) == (131072, 65536)
        assert found["kept"] == {"bytes": 131072, "scope": "union", "room_bytes": 1 << 40}
    for server in (S1, S2):
        for verb in ("keep_blocks", "give_up", "keep"):
            assert split.commands(server, verb) == []


def test_a_doubt_of_either_side_means_a_full_copy_with_the_reason(split: Pair) -> None:
    """The dry run says so before."""
    report(split, S2, diverged=told(doubt="the difference of server2 was lost"))
    found = split.ask(S1, "mirror.resolve", set="set1", keep=S1, dry_run=True).result
    assert (found["mode"], found["copy_bytes"]) == ("full", 1 << 30)
    assert "server2 was lost" in found["reason"]


@pytest.mark.parametrize("asked", [S1, S2])
@pytest.mark.parametrize("keep", [S1, S2])
def test_blocks_are_kept_before_the_side_is_given_up_and_that_before_the_other_goes_on(
    split: Pair, asked: str, keep: str
) -> None:
    """keep_blocks there, give_up there once they are on disk, keep here: whichever server is asked."""
    loser = S2 if keep == S1 else S1
    number = split.request(asked, "mirror.resolve", set="set1", keep=keep)
    split.run(10_000)
    assert split.commands(loser, "keep_blocks") == [("set1", {"discard": False})]
    assert split.commands(loser, "give_up") == []
    report(split, loser, kept={"complete": True, "file": "/f", "failed": ""}, kept_done=True)
    split.run(10_000)
    assert split.commands(loser, "give_up") == [("set1", {"discard": False})]
    assert split.commands(keep, "keep") == [("set1", {"discard": False})]
    assert split.commands(loser, "keep") == split.commands(keep, "give_up") == []
    reply = split.replies[number]
    assert reply.ok
    assert (reply.result["file"], reply.result["mode"]) == ("/f", "high-speed")


def test_discard_keeps_no_blocks(split: Pair) -> None:
    """An operator may expressly go without the file."""
    assert split.ask(S1, "mirror.resolve", set="set1", keep=S2, discard=True).ok
    assert split.commands(S1, "keep_blocks") == []
    assert split.commands(S1, "give_up") == [("set1", {"discard": True})]


def test_nothing_is_given_up_when_its_blocks_cannot_be_kept(split: Pair) -> None:
    """No room, known before or found out: the set stays DIVERGED, and the refusal says what helps."""
    report(split, S2, kept_room_bytes=1000)
    reply = split.ask(S1, "mirror.resolve", set="set1", keep=S1)
    assert reply.error is not None
    assert reply.error["code"] == "E_SPACE"
    assert "--discard" in reply.error["help"]
    report(split)
    split.failing[S2, "keep_blocks", "set1"] = "no space"
    reply = split.ask(S1, "mirror.resolve", set="set1", keep=S1)
    assert reply.error is not None
    assert "server2: no space" in reply.error["message"]
    assert split.commands(S2, "give_up") == []


def test_a_side_that_was_given_up_before_is_not_kept_twice(split: Pair) -> None:
    """A command that broke off in between goes on."""
    report(split, S2, diverged=told(given_up=True), state="INCONSISTENT")
    assert split.ask(S1, "mirror.resolve", set="set1", keep=S1).ok
    assert split.commands(S2, "keep_blocks") == []
    assert split.commands(S1, "keep") != []


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"diverged": None, "state": "IN_SYNC", "set_state": "NORMAL"}, "nothing to resolve"),
        ({"diverged": told(forced=True)}, "forced permit"),
    ],
)
def test_only_a_divergence_is_resolved(split: Pair, fields: dict[str, Any], word: str) -> None:
    """Any other state is named."""
    report(split, S2, **fields)
    reply = split.ask(S1, "mirror.resolve", set="set1", keep=S1, dry_run=True)
    assert reply.error is not None
    assert word in reply.error["message"]


def test_status_shows_on_both_servers_what_diverged(split: Pair) -> None:
    """Ranges, bytes and times of each side."""
    for server in (S1, S2):
        shown = split.ask(server, "mirror.status", set="set1").result["set1"]["diverged"]
        assert {name: row["bytes"] for name, row in shown.items()} == {S1: 65536, S2: 65536}
