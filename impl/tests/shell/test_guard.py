"""The cluster password before the daemon's verbs, over the real socket; and that it is found nowhere afterwards."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.run import run
from impl.tests.samples import TWO_SERVERS
from twinset.config import password
from twinset.errors import Refusal
from twinset.shell import api_verbs, clock, guard
from twinset.shell.daemon import Daemon
from twinset.shell.paths import Paths

SECRET, WRONG, TOKEN = "sesame-é", "tahini", "t" * 64
KEPT = password.hashed(SECRET, b"s" * 16)
CLAUSE = "2.2.2.3-14"
# What asks for the password: every verb that changes something, by its name.
GUARDED = {
    "cluster.apply", "cluster.create", "cluster.start", "cluster.stop", "group.failover", "group.move", "group.start",
    "group.stop", "key.rotate", "message.broadcast", "mirror.cancel", "mirror.create", "mirror.forced_permit",
    "mirror.forced_return", "mirror.latency", "mirror.options", "mirror.permit", "mirror.read", "mirror.read_end",
    "mirror.register", "mirror.resolve", "mirror.restrict", "mirror.verify", "name.associate", "program.kill",
    "program.load",
    "server.down", "server.isolate", "server.replace", "server.return", "server.shutdown", "share.report",
}  # fmt: skip


class Clock:
    """The guard's, which stands still until it is told."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock."""
    made = Clock()
    monkeypatch.setattr(clock, "now_ms", made.now_ms)
    return made


def made(kept: str = KEPT) -> tuple[guard.Guard, list[tuple[str, int]]]:
    told: list[tuple[str, int]] = []
    return guard.Guard(TOKEN, lambda: kept, lambda *each: told.append(each)), told


def refused(one: guard.Guard, verb: str = "group.stop", args: Any = None, **shown: str) -> Refusal | None:
    """Why a request is not carried out; None when it is."""
    try:
        asyncio.run(one.admit(verb, args or {}, guard.Shown(**shown)))
    except Refusal as refusal:
        return refusal
    return None


def test_every_verb_is_in_one_table() -> None:
    """What only looks is free; every other verb of the daemon asks."""
    assert set(api_verbs.ALL) == guard.READING | GUARDED
    assert not guard.READING & GUARDED
    one, _ = made()
    for verb in api_verbs.ALL:
        found = refused(one, verb, {"set": "set1", "fastsync": True})
        assert (found is not None) == (verb in GUARDED), verb


@pytest.mark.parametrize("verb", ["cluster.apply", "mirror.resolve", "mirror.options"])
def test_what_only_shows_is_free(verb: str) -> None:
    """A dry run of a change, and the options of a set without a new one."""
    one, _ = made()
    args = {"set": "set1"} if verb == "mirror.options" else {"dry_run": True}
    assert refused(one, verb, args) is None
    assert refused(one, verb, {**args, "dry_run": False, "reset": True}) is not None


def test_a_cluster_without_a_password_asks_nobody() -> None:
    """Nothing changes for it, whatever is shown."""
    one, told = made("")
    assert [refused(one), refused(one, password=WRONG), refused(one, token="x")] == [None] * 3
    assert told == []


def test_a_refusal_says_what_to_do(at: Clock) -> None:
    """Class, clause, ways to give it; nothing given counts as no try."""
    one, told = made()
    for shown in ({}, {"password": ""}, {"token": "x" * 64}, {"token": ""}):
        found = refused(one, **shown)
        assert found is not None
        assert (found.code, found.clause) == ("E_DENIED", CLAUSE)
        assert "--password-file" in found.help
        assert "TWINSET_PASSWORD" in found.help
    assert told == []
    assert refused(one, password=SECRET) is None


def test_tries_are_slowed(at: Clock) -> None:
    """After each wrong one nothing is compared for twice as long, at most a minute; then the right one is taken."""
    one, told = made()
    for number, pause in enumerate([1, 2, 4, 8, 16, 32, 60, 60], 1):
        found = refused(one, password=WRONG)
        assert found is not None
        assert "is wrong" in found.message
        assert told[-1] == ("group.stop", number)
        at.ms += 1000 * pause - 1
        early = refused(one, password=SECRET)
        assert early is not None
        assert "none is looked at" in early.message
        at.ms += 1
    assert len(told) == 8
    assert refused(one, password=SECRET) is None
    refused(one, password=WRONG)
    assert told[-1] == ("group.stop", 1)


def test_guesses_side_by_side_are_one_try(at: Clock) -> None:
    """Many connections do not guess faster than one."""
    one, told = made()

    async def scenario() -> list[Any]:
        tries = [one.admit("group.stop", {}, guard.Shown(f"guess{n}")) for n in range(20)]
        return await asyncio.gather(*tries, return_exceptions=True)

    found = asyncio.run(scenario())
    assert all(isinstance(each, Refusal) for each in found)
    assert told == [("group.stop", 1)]


def test_what_twinsetd_started_is_asked_nothing(at: Clock) -> None:
    """Its token is enough, also while passwords are not looked at."""
    one, _ = made()
    refused(one, password=WRONG)
    assert refused(one, "group.failover", token=TOKEN) is None
    assert one.environment == {"TWINSET_TOKEN": TOKEN}


def test_the_token_is_of_this_boot(tmp_path: Path) -> None:
    """A restarted twinsetd has the same, so that what runs goes on; its owner only reads it."""
    path = tmp_path / "token"
    token = guard.boot_token(path)
    assert guard.boot_token(path) == token
    assert len(token) == 64
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("")
    assert guard.boot_token(path) != token


@pytest.mark.parametrize("value", [["sesame"], {"a": "sesame"}, 7, True])
def test_secrets_of_another_type_are_refused_unseen(value: Any) -> None:
    """The refusal does not repeat them."""
    with pytest.raises(Refusal) as caught:
        guard.taken({"password": value})
    assert "sesame" not in str(caught.value)


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """Return a twinsetd with a configuration, which has a password, and without the rest of a cluster."""
    paths = Paths(tmp_path / "etc", tmp_path / "state", tmp_path / "run")
    paths.create()
    paths.etc.mkdir()
    paths.server_name.write_text("server1\n")
    text = TWO_SERVERS.replace('name = "demo"', f'name = "demo"\npassword_hash = "{KEPT}"')
    paths.config.write_text(text)
    daemon = Daemon(paths, 1.0)
    daemon.taken_up.set()
    yield daemon
    daemon.event_log.close()


Ask = Callable[..., Awaitable[dict[str, Any]]]


def talk(daemon: Daemon, conversation: Callable[[Ask], Awaitable[None]]) -> None:
    """Hold a conversation over the daemon's own socket."""

    async def scenario() -> None:
        api = daemon._api  # as it is, without the cluster around it
        await api.start()
        reader, writer = await asyncio.open_unix_connection(str(daemon.paths.api))

        async def ask(verb: str, **args: Any) -> dict[str, Any]:
            writer.write(json.dumps({"id": 1, "verb": verb, "args": args}).encode() + b"\n")
            async with asyncio.timeout(60):
                return dict(json.loads(await reader.readline()))

        try:
            await conversation(ask)
        finally:
            writer.close()
            await api.stop()

    asyncio.run(scenario())


def test_the_socket_asks_for_it(daemon: Daemon, at: Clock) -> None:
    """Reading goes without; a change is refused without and with a wrong one, and gets through with the right one."""

    async def conversation(ask: Ask) -> None:
        assert (await ask("ping"))["ok"]
        assert (await ask("events"))["ok"]
        assert 'password_hash = "***"' in (await ask("cluster.configuration"))["result"]["text"]
        for shown in ({}, {"password": WRONG}):
            error = (await ask("cluster.stop", **shown))["error"]
            assert (error["code"], error["clause"]) == ("E_DENIED", CLAUSE)
        at.ms += 1000
        for shown in ({"password": SECRET}, {"token": daemon.guard.environment["TWINSET_TOKEN"]}):
            error = (await ask("cluster.stop", **shown))["error"]
            assert error["code"] == "E_STATE"  # the next thing: there is no cluster at work

    talk(daemon, conversation)


def test_it_is_found_nowhere_afterwards(
    daemon: Daemon, at: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right, wrong, beside wrong arguments, and when a verb fails: no answer, log, event, file or bundle repeats it."""
    answers: list[str] = []

    async def fails(*_: Any) -> Any:
        raise KeyError("a bug")

    monkeypatch.setitem(api_verbs._OWN, "key.rotate", fails)

    async def conversation(ask: Ask) -> None:
        for given in (SECRET, WRONG):
            for verb, args in (
                ("cluster.stop", {}),
                ("cluster.stop", {"x": 1}),
                ("group.stop", {"group": 7}),
                ("key.rotate", {}),
                ("cluster.create", {"text": f'[cluster]\nname = "demo"\npassword = "{SECRET}"\n'}),
                ("nonsense", {}),
                ("support.collect", {}),
            ):
                answers.append(json.dumps(await ask(verb, password=given, **args), ensure_ascii=False))
                at.ms += 100_000

    with caplog.at_level(logging.DEBUG):
        talk(daemon, conversation)
    assert any("E_INTERNAL" in each for each in answers)
    names = [each["event"] for each in daemon.event_log.since(0, 100)]
    assert names.count("password_refused") >= 3
    bundles = list((daemon.paths.state / "support").glob("*.tar.gz"))
    assert bundles
    answers += [run(["tar", "-xzOf", str(path)]).stdout for path in bundles]
    told = "\n".join([*answers, caplog.text])
    told += "".join(p.read_text() for p in daemon.paths.state.rglob("*") if p.is_file() and p not in bundles)
    for secret in (SECRET, WRONG, json.dumps(SECRET)[1:-1]):
        assert secret not in told
    whole = "\n".join(answers)
    assert KEPT not in whole
    assert daemon.guard.environment["TWINSET_TOKEN"] not in whole
