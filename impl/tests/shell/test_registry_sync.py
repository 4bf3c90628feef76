"""Registry keys between two servers: a change follows its group, whoever was away meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from .registry_world import KEY, Play, Server, cut, join, player

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]


@pytest.fixture()
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Return what plays a scenario on two connected servers."""
    return player(tmp_path, monkeypatch)


def test_a_change_follows_the_group(play: Play, until: Until) -> None:
    """Changed while the group runs: on the other server's disk soon, in its store only when the group starts there."""

    async def work(one: Server, two: Server) -> None:
        one.set(1)
        two.set(7)
        await one.keys.begin("db", KEY)
        await until(lambda: one.row["confirmed"], "version 1 to be confirmed")
        one.set(2)
        await until(lambda: two.row["version"] == 2, "version 2 to arrive")
        assert (two.port, two.row["to_restore"]) == (7, True)
        await one.keys.end("db", KEY)
        await two.keys.begin("db", "hklm\\software\\ACME")
        assert (two.port, two.row["watched"], two.row["to_restore"]) == (2, True, False)
        assert two.names == ["registry_key_restored"]
        assert "Acme" in two.store.read().subkeys("HKLM\\SOFTWARE")

    play(work)


def test_the_last_change_before_a_stop_is_there_at_the_next_start(play: Play) -> None:
    """A stop looks once more and waits for the other server's word, so that a move loses nothing."""

    async def work(one: Server, two: Server) -> None:
        await one.keys.begin("db", KEY)
        one.set(3)
        await one.keys.end("db", KEY)
        assert (two.row["version"], one.row["confirmed"]) == (1, True)
        two.set(9)
        await two.keys.begin("db", KEY)
        assert two.port == 3

    play(work)


def test_a_group_that_does_not_run_changes_nothing_elsewhere(play: Play) -> None:
    """Stopped: what is changed in the store stays here, and is kept at the next start on the same server."""

    async def work(one: Server, two: Server) -> None:
        one.set(1)
        await one.keys.begin("db", KEY)
        await one.keys.end("db", KEY)
        one.set(5)
        await asyncio.to_thread(lambda: None)
        assert two.row["version"] == 1
        await one.keys.begin("db", KEY)
        assert (one.port, one.row["version"]) == (5, 2)

    play(work)


def test_what_the_other_server_missed_is_sent_when_it_is_back(play: Play, until: Until) -> None:
    """Down during a change: it gets the version after its return; it had one of its own that was never sent."""

    async def work(one: Server, two: Server) -> None:
        cut(one, two)
        for number in (1, 2, 3):
            two.set(number)
            await two.keys.begin("db", KEY)
            await two.keys.end("db", KEY)
        assert (two.row["version"], two.names) == (3, ["registry_key_not_sent"] * 3)
        one.set(8)
        await one.keys.begin("db", KEY)
        join(one, two)
        await until(lambda: two.row["to_restore"], "the running server's version to arrive")
        assert (two.row["version"], two.port) == (1, 3)
        await one.keys.end("db", KEY)
        await two.keys.begin("db", KEY)
        assert two.port == 8

    play(work)


def test_a_stopped_group_s_version_reaches_a_server_that_comes_back(play: Play, until: Until) -> None:
    """Nobody runs it: the higher version counts, and a start on the other server restores it."""

    async def work(one: Server, two: Server) -> None:
        cut(one, two)
        one.set(4)
        await one.keys.begin("db", KEY)
        await one.keys.end("db", KEY)
        join(one, two)
        await until(lambda: two.row["version"] == 1, "the version to arrive")
        await two.keys.begin("db", KEY)
        assert two.port == 4

    play(work)


def test_a_new_disk_gets_the_version_again(play: Play, until: Until, tmp_path: Path) -> None:
    """Each new daemon of the other server is sent what runs here, although it was confirmed before."""

    async def work(one: Server, two: Server) -> None:
        one.set(1)
        await one.keys.begin("db", KEY)
        await until(lambda: one.row["confirmed"], "the version to be confirmed")
        await two.keys.stop()
        for file in two.paths.registry_hives.iterdir():
            file.unlink()
        two.power_on()
        two.keys.start()
        await until(lambda: two.row["version"] == 1, "the version to arrive again")

    play(work)


def test_versions_outlive_the_daemon(play: Play) -> None:
    """A daemon that was killed leaves a group that runs: the next one goes on with the next number."""

    async def work(one: Server, two: Server) -> None:
        one.set(1)
        await one.keys.begin("db", KEY)
        await one.keys.stop()
        one.power_on()
        one.keys.start()
        assert not one.keys.watches("db", KEY)
        one.keys.resume("db", KEY)
        one.set(2)
        await one.keys.end("db", KEY)
        assert (one.row["version"], two.row["version"]) == (2, 2)

    play(work)
