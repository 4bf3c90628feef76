"""Support bundle and timeline: both servers, nothing secret, and what is here when the other one is not."""

import asyncio
import base64
import json
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from impl.tests.samples import TWO_SERVERS
from twinset import config as configuration
from twinset.errors import ProtocolError
from twinset.shell import clock, control_channel, evidence
from twinset.shell.event_log import EventLog
from twinset.shell.paths import Paths
from twinset.shell.support import Support
from twinset.wire.keyring import Keyring

SECRETS = '[[trap]]\naddress = "10.0.1.50"\ncommunity = "hush-hush"\npassword = "also-quiet"\n'
KEY = "ab" * 32


class Daemon:
    """As much of one as Support needs."""

    def __init__(self, directory: Path, name: str) -> None:
        self.paths = Paths(*(directory / name / part for part in ("etc", "state", "run")))
        self.paths.create()
        self.paths.etc.mkdir()
        self.paths.key.write_text(KEY)
        self.paths.config.write_text(f"{TWO_SERVERS}\n{SECRETS}")
        self.me, self.instance, self.runtime = name, "a" * 32, None
        self.keys = Keyring(b"k" * 32)
        self.configure = SimpleNamespace(active=lambda: configuration.load(self.paths.config))
        self.event_log = EventLog(self.paths.events, name)
        self.support = Support(self)  # type: ignore[arg-type]


class Channel:
    """A channel whose other end is a daemon in this process."""

    def __init__(self, daemon: Daemon | None = None, other: "Channel | None" = None) -> None:
        self.arrived: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.other = other
        self.bad: dict[str, Any] | None = None
        if daemon is not None:
            self.other = Channel(other=self)
            self.serving = asyncio.create_task(daemon.support.serve(self.other))  # type: ignore[arg-type]

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        while (frame := await self.arrived.get()) is not None:
            yield json.loads(json.dumps(frame))

    def send(self, frame: dict[str, Any]) -> None:
        assert self.other is not None
        self.other.arrived.put_nowait(self.other.bad or frame)

    async def drained(self) -> None:
        """Nothing to wait for."""

    def close(self) -> None:
        assert self.other is not None
        self.other.arrived.put_nowait(None)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Daemon, Daemon]:
    """Return two daemons that reach each other."""
    one, two = Daemon(tmp_path, "server1"), Daemon(tmp_path, "server2")

    async def connect(*_: Any) -> Channel:
        return Channel(two)

    monkeypatch.setattr(control_channel, "connect", connect)
    return one, two


def members(path: str) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        found = {}
        for info in archive.getmembers():
            file = archive.extractfile(info)
            assert file is not None
            assert info.mode & 0o077 == 0
            found[info.name.partition("/")[2]] = file.read()
    return found


def test_a_bundle_has_both_servers_and_no_secret(pair: tuple[Daemon, Daemon]) -> None:
    """Logs, configuration, metadata, system, timeline; no key, no password, no community; for its owner only."""
    one, two = pair
    one.event_log.write("server_down", "error", {"server": "server2"})
    two.event_log.write("daemon_started", "info", {})
    (two.paths.run / "mirror-set1.log").write_text("it said so\n")
    (one.paths.scripts / "db-start.log").write_text("x" * (evidence.FILE_BYTES_MAX + 10) + "the end")
    result = asyncio.run(one.support.collect())
    found = members(result["path"])
    assert result["other"] == ""
    assert Path(result["path"]).stat().st_mode & 0o077 == 0
    assert found["server2/run/mirror-set1.log"] == b"it said so\n"
    assert found["server1/state/scripts/db-start.log"].endswith(b"the end")
    assert len(found["server1/state/scripts/db-start.log"]) == evidence.FILE_BYTES_MAX
    for server in ("server1", "server2"):
        for name in ("about.json", "state/cluster.toml", "system/addresses.json", "trace.txt"):
            assert f"{server}/{name}" in found
    rows = [json.loads(line) for line in found["timeline.jsonl"].splitlines()]
    assert {row["server"] for row in rows} == {"server1", "server2"}
    whole = b"\n".join(found.values())
    for secret in (KEY, "hush-hush", "also-quiet"):
        assert secret.encode() not in whole


def test_without_the_other_server_there_is_what_is_here(
    pair: tuple[Daemon, Daemon], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it says why."""

    async def nobody(*_: Any) -> None:
        raise OSError("no route")

    monkeypatch.setattr(control_channel, "connect", nobody)
    result = asyncio.run(pair[0].support.collect())
    assert "no route" in result["other"]
    assert {name.partition("/")[0] for name in members(result["path"])} == {
        "server1",
        "timeline.jsonl",
        "clock.json",
    }


def test_the_other_clock_is_measured(pair: tuple[Daemon, Daemon], monkeypatch: pytest.MonkeyPatch) -> None:
    """The events of a server whose clock is wrong are shown where they belong."""
    one, two = pair
    real, shift = clock.wall, [0.0]
    monkeypatch.setattr(clock, "wall", lambda: real() + shift[0])
    shift[0] = 500.0  # server 2 writes by a clock that is ahead
    two.event_log.write("daemon_started", "info", {})
    shift[0] = 5.0
    one.event_log.write("server_down", "error", {})
    shift[0] = 0.0
    serve = two.support.serve

    async def ahead(channel: Any) -> None:
        inner = channel.send
        channel.send = lambda frame: inner(
            {**frame, "wall_s": frame["wall_s"] + 500.0} if frame.get("t") == "clock" else frame
        )
        await serve(channel)

    two.support.serve = ahead  # type: ignore[method-assign]
    result = asyncio.run(one.support.timeline(100))
    assert [row["server"] for row in result["events"]] == ["server2", "server1"]
    assert 499.0 < result["offset_s"] < 501.0


@pytest.mark.parametrize("name", ["/etc/passwd", "../../etc/passwd"])
def test_a_name_that_leads_elsewhere_is_not_taken(
    pair: tuple[Daemon, Daemon], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Also of the other server, nothing is believed unchecked."""

    async def connect(*_: Any) -> Channel:
        channel = Channel(pair[1])
        channel.bad = {"t": "file", "name": name, "data": base64.b64encode(b"x").decode()}
        return channel

    monkeypatch.setattr(control_channel, "connect", connect)
    files, reason = asyncio.run(pair[0].support._files_there())
    assert files == {}
    assert "not taken" in reason


def test_an_unknown_request_ends_the_connection(pair: tuple[Daemon, Daemon]) -> None:
    """It breaks the protocol."""

    async def scenario() -> None:
        channel = Channel(pair[1])
        channel.send({"t": "everything"})
        with pytest.raises(ProtocolError):
            await channel.serving

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('password = "x"\nname = "p"', 'password = "***"\nname = "p"'),
        ('  "community": "x",\n', '  "community": "***",\n'),
        (
            'trap = [{ address = "a", community = "x y", port = 1 }]',
            'trap = [{ address = "a", community = "***", port = 1 }]',
        ),
        ('"PGPASSWORD": "x"', '"PGPASSWORD": "***"'),
        ("the community of users", "the community of users"),
    ],
)
def test_secrets_are_blanked_where_they_are_assigned(text: str, expected: str) -> None:
    """In TOML, inline tables, JSON and environments; prose stays."""
    assert evidence.blanked(text) == expected
