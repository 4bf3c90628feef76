"""Registry keys when something is wrong: open keys, damage, refusals, what the other daemon should not send."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from twinset.shell import registry_sync as module
from twinset.shell.registry_store import RegistryStore

from .registry_world import KEY, Play, Server, cut, join, player

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]


@pytest.fixture()
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Return what plays a scenario on two connected servers."""
    return player(tmp_path, monkeypatch)


def test_an_open_key_is_told_and_its_version_not_lost(play: Play, until: Until) -> None:
    """The group starts with the old content, which is not sent back over the new one; the next start restores it."""

    async def work(one: Server, two: Server) -> None:
        one.set(1)
        two.set(7)
        await one.keys.begin("db", KEY)
        await one.keys.end("db", KEY)
        with two.store.held(KEY, "editor"):
            await two.keys.begin("db", KEY)
        name, fields = two.events[-1]
        assert (name, two.port) == ("registry_key_restore_failed", 7)
        assert "is open" in fields["reason"]
        assert "by editor [6.2.7-06]" in two.row["reason"]
        two.keys.resume("db", KEY)  # as after a restart of the daemon
        two.set(8)
        await two.keys.end("db", KEY)
        assert (one.row["version"], two.row["to_restore"]) == (1, True)
        await two.keys.begin("db", KEY)
        assert (two.port, two.row["to_restore"]) == (1, False)

    play(work)


def test_a_deleted_key_is_deleted_there_too(play: Play) -> None:
    """Deletion is a change; a key that never was anywhere deletes nothing."""

    async def work(one: Server, two: Server) -> None:
        two.set(7)
        await one.keys.begin("db", KEY)
        await one.keys.end("db", KEY)
        assert (one.row["version"], two.row["version"]) == (0, 0)
        one.set(1)
        await one.keys.begin("db", KEY)
        one.store.change(lambda tree: tree.delete(KEY))
        await one.keys.end("db", KEY)
        await two.keys.begin("db", KEY)
        assert two.port is None

    play(work)


def test_a_key_that_cannot_be_read_is_told_once(play: Play, until: Until) -> None:
    """A damaged store is an event, not a reason to stop the group; when it is well again it is followed again."""

    async def work(one: Server, two: Server) -> None:
        one.set(1)
        await one.keys.begin("db", KEY)
        file = one.paths.registry / "store.json"
        file.write_text("{")
        await until(lambda: "registry_key_failed" in one.names, "the damage to be told")
        await one.keys.end("db", KEY)
        assert one.names.count("registry_key_failed") == 1
        file.unlink()
        one.set(2)
        await one.keys.begin("db", KEY)
        await until(lambda: two.row["version"] == 2, "the next version")

    play(work)


BAD = [{}, {"kind": "registry_hive"}, {"kind": "registry_hive", "group": "db", "key": KEY, "version": "1"}]


@pytest.mark.parametrize("message", BAD)
def test_a_bad_message_is_dropped_and_told(play: Play, until: Until, message: dict[str, Any]) -> None:
    """What the other daemon sends is judged field by field."""

    async def work(one: Server, _two: Server) -> None:
        one.keys.receive(message)
        await until(lambda: one.names == ["input_dropped"], "the event")

    play(work)


def test_an_unknown_key_is_refused_with_its_reason(play: Play, until: Until) -> None:
    """A group or key that the configuration here does not have."""

    async def work(one: Server, two: Server) -> None:
        one.set(1)
        await one.keys.begin("db", KEY)
        await until(lambda: one.row["confirmed"], "the version to be confirmed")
        offer = next(body for body in one.sent if body["kind"] == "registry_hive")
        one.keys.receive({**offer, "group": "web"})
        await until(lambda: one.sent[-1]["kind"] == "registry_answer", "the answer")
        assert (one.sent[-1]["ok"], one.sent[-1]["reason"]) == (
            False,
            "group web has no such key in store twinset here",
        )

    play(work)


def test_a_refusal_is_told_and_not_repeated(play: Play, until: Until) -> None:
    """What the other server does not take is told with its reason, and sent again only in its next version."""

    async def work(one: Server, two: Server) -> None:
        two.keys._known.clear()
        one.set(1)
        await one.keys.begin("db", KEY)
        await until(lambda: "registry_key_refused" in one.names, "the refusal")
        assert "no such key" in one.events[-1][1]["reason"]
        sent = len(one.sent)
        await one.keys.end("db", KEY)
        assert (len(one.sent), one.row["confirmed"]) == (sent, False)

    play(work)


def test_what_was_changed_beside_a_running_group_does_not_count(play: Play, until: Until) -> None:
    """The group has moved on without a change of its own: an edit on its former server is replaced when it is back."""

    async def work(one: Server, two: Server) -> None:
        one.set(1)
        await one.keys.begin("db", KEY)
        await one.keys.end("db", KEY)
        await two.keys.begin("db", KEY)
        await until(lambda: one.row["to_restore"], "the former server to learn it")
        one.set(9)
        await two.keys.end("db", KEY)
        await one.keys.begin("db", KEY)
        assert one.port == 1

    play(work)


def test_what_was_refused_while_both_ran_is_taken_later(
    play: Play, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a network partition: each server refuses the other's version; when one stops, it takes the other's."""
    monkeypatch.setattr(module, "REFUSED_AGAIN_S", 0.05)

    async def work(one: Server, two: Server) -> None:
        cut(one, two)
        for server, number in ((one, 1), (two, 2)):
            server.set(number)
            await server.keys.begin("db", KEY)
        join(one, two)
        await until(lambda: {"registry_key_refused"} <= {*one.names} & {*two.names}, "both refusals")
        await two.keys.end("db", KEY)
        await until(lambda: two.row["to_restore"], "the running server's version")
        assert one.names.count("registry_key_refused") == 1
        await one.keys.end("db", KEY)
        await two.keys.begin("db", KEY)
        assert two.port == 1

    play(work)


def test_a_key_that_follows_no_group_any_more_is_forgotten(play: Play) -> None:
    """Configured again one day, it begins anew instead of bringing old content back."""

    async def work(one: Server, two: Server) -> None:
        one.set(1)
        await one.keys.begin("db", KEY)
        await one.keys.end("db", KEY)
        await two.keys.stop()
        two.power_on()
        two.keys._known.clear()
        two.keys.start()
        assert list(two.paths.registry_hives.glob("*.json")) == []

    play(work)


def test_a_look_that_fails_does_not_end_the_watch(
    play: Play, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody expected is reported as a bug, and the next look is taken all the same."""

    async def work(one: Server, two: Server) -> None:
        one.set(1)
        await one.keys.begin("db", KEY)
        broken = Mock(side_effect=[OSError("disk"), ()])
        monkeypatch.setattr(RegistryStore, "signature", lambda _: broken())
        await until(lambda: one.keys._failed.called, "the report")  # type: ignore[attr-defined]
        monkeypatch.undo()
        monkeypatch.setattr(module, "POLL_S", 0.01)
        one.set(2)
        await until(lambda: two.row["version"] == 2, "the next version")

    play(work)


def test_a_damaged_version_is_not_used(play: Play, tmp_path: Path) -> None:
    """Its file is named in the event log; the key goes on as if nothing had been received."""

    async def work(one: Server, two: Server) -> None:
        one.set(1)
        await one.keys.begin("db", KEY)
        await one.keys.end("db", KEY)
        [file] = two.paths.registry_hives.glob("*.json")
        file.write_text(file.read_text().replace('"dword"', '"qword"'))
        await two.keys.stop()
        cut(one, two)
        two.power_on()
        two.keys.start()
        assert two.names == ["registry_hive_damaged"]
        assert two.row["version"] == 0

    play(work)


def test_samba_s_tool_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A key in Samba's registry: exported as text, replaced as a whole, put back when the import fails."""
    from twinset.shell import registry_backends as backends
    from twinset.shell.run import Result

    ran: list[str] = []
    state = {"import": 0}

    async def run(argv: list[str], **_: Any) -> Result:
        ran.append(" ".join(argv[2:4]))
        if argv[2] == "export":
            Path(argv[-1]).write_text("old")  # noqa: ASYNC240 - a fake
        code = state["import"] if argv[2] == "import" else 0
        state["import"] *= argv[2] != "import"
        return Result(tuple(argv), int(code), "", "WERR_ACCESS_DENIED" if code else "")

    monkeypatch.setattr(backends.run, "run", run)
    samba = backends.Samba(tmp_path)
    assert asyncio.run(samba.read(KEY)) == "old"
    asyncio.run(samba.write(KEY, "new"))
    assert ran == [
        "export HKLM\\SOFTWARE\\Acme",
        *ran[1:2],
        "deletekey_recursive HKLM\\SOFTWARE\\Acme",
        ran[-1],
    ]
    assert ran[-1].startswith("import")
    state["import"] = 1
    with pytest.raises(Exception, match="WERR_ACCESS_DENIED"):
        asyncio.run(samba.write(KEY, "new"))
    assert (tmp_path / "samba-key.reg").read_text() == "old"
