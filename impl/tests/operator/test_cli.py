"""The operator's command against a daemon that answers from a table."""

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from typer.testing import CliRunner, Result

import twinset
from harness import run as harness_run
from twinset.errors import Refusal
from twinset.operator.cli import app
from twinset.shell.api import ApiServer

STATUS = {
    "cluster": "demo",
    "this_server": "server1",
    "servers": {
        "server1": {"status": "O", "word": "operating normally"},
        "server2": {"status": "Od", "word": "restarted after down, isolated", "silent_s": 12},
    },
    "groups": {"db": {"state": "active", "server": "server1", "disk_failure": False, "reason": ""}},
    "mirror_sets": {
        "set1": {
            "state": "RECONSTRUCTING",
            "active_server": "server1",
            "latest": "server1",
            "dirty_bytes": 1 << 20,
            "size_bytes": 1 << 30,
            "copy": {
                "mode": "high-speed",
                "reason": "",
                "bytes_done": 1 << 20,
                "bytes_total": 4 << 20,
                "rate_bytes_s": 1 << 20,
                "left_s": 3.0,
            },
            "copied_bytes_last": 0,
            "copy_mode_last": "",
            "redundant": False,
        }
    },
}
EVENT = {
    "seq": 7,
    "time": 1_700_000_000.5,
    "event": "server_down",
    "id": "TS0201",
    "severity": "error",
    "server": "server1",
    "fields": {"server": "server2", "reason": "no heartbeat on any network"},
}


class Daemon:
    """Answers in a thread of its own; keeps what it was asked."""

    def __init__(self, directory: Path) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {"cluster.status": STATUS, "mirror.status": STATUS["mirror_sets"]}
        self._directory = directory
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = ApiServer(self._directory / "twinsetd.sock", self._handle, lambda *_: None)
        await server.start()
        self._ready.set()
        await self._stop.wait()
        await server.stop()

    async def _handle(self, verb: str, args: dict[str, Any]) -> Any:
        self.asked.append((verb, args))
        answer = self.answers.get(verb, {})
        answer = answer.pop(0) if isinstance(answer, list) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """Return a daemon that the command will find."""
    monkeypatch.setenv("TWINSET_RUN", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    with Daemon(tmp_path) as running:
        yield running


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize(
    ("words", "verb", "args"),
    [
        (["cluster", "start"], "cluster.start", {}),
        (["cluster", "stop"], "cluster.stop", {}),
        (["cluster", "status"], "cluster.status", {}),
        (["server", "return"], "server.return", {}),
        (["server", "return", "server1"], "server.return", {"server": "server1"}),
        (["server", "shutdown", "server2"], "server.shutdown", {"server": "server2"}),
        (["group", "start", "db"], "group.start", {"group": "db"}),
        (["group", "move", "db", "server2"], "group.move", {"group": "db", "server": "server2"}),
        (["group", "stop", "db"], "group.stop", {"group": "db"}),
        (["group", "list"], "group.list", {}),
        (["mirror", "create", "set1", "--source", "s1"], "mirror.create", {"set": "set1", "source": "s1"}),
        (["mirror", "status", "set1"], "mirror.status", {"set": "set1"}),
    ],
)
def test_words_become_one_request(daemon: Daemon, words: list[str], verb: str, args: dict[str, Any]) -> None:
    """Each command asks the daemon for one thing, with or without --json."""
    for extra in ([], ["--json"]):
        result = run(*words, *extra)
        assert result.exit_code == 0, result.output
    assert daemon.asked == [(verb, args)] * 2


def test_json_is_the_daemons_answer(daemon: Daemon) -> None:
    """With --json the answer is printed as it came, and nothing else."""
    assert json.loads(run("cluster", "status", "--json").stdout) == STATUS
    assert daemon.asked


def test_the_status_shows_symbol_and_word(daemon: Daemon) -> None:
    """Every status symbol is followed by its word, and a rebuild by its progress."""
    text = run("cluster", "status").stdout
    assert "O (operating normally)" in text
    assert "Od (restarted after down, isolated), not heard for 12 s" in text
    assert "high-speed copy 25 %" in text
    assert "1.0 MiB of 4.0 MiB" in text
    assert daemon.asked


def test_programs_are_shown_with_their_count(daemon: Daemon) -> None:
    """What ARMLOAD has started: process or service, how often it was started again, whether it is watched."""
    row = {"watch": "W1", "group": "db", "argv": ["app", "-x"], "service": False, "monitored": True}
    rows = [
        {**row, "restarts": 1, "restarts_max": 2, "pid": 77},
        {**row, "watch": "W2", "monitored": False, "restarts": 0, "restarts_max": 0, "pid": 0},
        {**row, "watch": "W3", "service": True, "restarts": 0, "restarts_max": 5, "pid": 0},
    ]
    daemon.answers["program.list"] = {"programs": rows}
    lines = [line.split() for line in run("program", "list").stdout.splitlines()[1:]]
    assert lines == [
        ["W1", "db", "77", "1", "of", "2", "app", "-x"],
        ["W2", "db", "-", "not", "watched", "app", "-x"],
        ["W3", "db", "service", "0", "of", "5", "app", "-x"],
    ]


def test_a_refusal_names_state_clause_and_help(daemon: Daemon) -> None:
    """A refused request ends with status 1 and says what forbids it and what would help."""
    daemon.answers["group.move"] = Refusal(
        "E_STATE", "group db: inactive", "6.2.5-17", "twinset group start db"
    )
    result = run("group", "move", "db")
    assert result.exit_code == 1
    for word in ("group db: inactive", "[6.2.5-17]", "group start db"):
        assert word in result.stderr
    body = json.loads(run("group", "move", "db", "--json").stdout)
    assert body["error"]["code"] == "E_STATE"


def test_without_a_daemon_the_status_is_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that does not run is told with its socket, never with a traceback."""
    monkeypatch.setenv("TWINSET_RUN", str(tmp_path / "nowhere"))
    result = run("cluster", "status", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"]["code"] == "E_UNREACHABLE"
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "words", [["zonk"], ["group", "start"], ["mirror", "create"], ["events", "--since", "x"]]
)
def test_wrong_usage_is_2(words: list[str]) -> None:
    """What the command does not understand ends with status 2."""
    assert run(*words).exit_code == 2


def test_a_configuration_that_cannot_be_read_is_refused(daemon: Daemon, tmp_path: Path) -> None:
    """A missing or binary file is refused before the daemon is asked."""
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none", binary):
        assert run("cluster", "create", str(path)).exit_code == 1
    assert daemon.asked == []


def test_the_text_of_a_configuration_is_sent(daemon: Daemon, tmp_path: Path) -> None:
    """cluster create sends the text of the file: the daemon may be another machine's."""
    daemon.answers["cluster.create"] = {"cluster": "demo", "servers": ["server1", "server2"]}
    file = tmp_path / "c.toml"
    file.write_text("format = 1\n")
    result = run("cluster", "create", str(file))
    assert daemon.asked == [("cluster.create", {"text": "format = 1\n"})]
    assert "configured on server1 and server2" in result.stdout


def test_events_show_id_cause_and_remedy(daemon: Daemon) -> None:
    """An alert is shown with its stable id, its cause and what to do about it."""
    daemon.answers["events"] = [{"events": [EVENT], "last": 7}, {"events": [], "last": 7}]
    text = run("events").stdout
    for word in ("TS0201", "no heartbeat of the other server", "remedy: ", "server=server2"):
        assert word in text
    assert [args["since"] for _, args in daemon.asked] == [0, 7]


def test_events_as_json(daemon: Daemon) -> None:
    """Programs get the entries in one object."""
    daemon.answers["events"] = {"events": [EVENT], "last": 7}
    assert json.loads(run("events", "--json", "--since", "3").stdout)["events"] == [EVENT]
    assert daemon.asked == [("events", {"since": 3})]


def test_waiting_for_a_mirror_ends_when_both_sides_are_equal(daemon: Daemon) -> None:
    """mirror create --wait returns the status once the set is redundant."""
    finished = {**STATUS["mirror_sets"]["set1"], "state": "NORMAL", "copy": None, "redundant": True}  # type: ignore[index]
    daemon.answers["cluster.status"] = [STATUS, {**STATUS, "mirror_sets": {"set1": finished}}]
    daemon.answers["events"] = {"events": [], "last": 0}
    result = run("mirror", "create", "set1", "--wait", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["redundant"] is True


def test_check_is_part_of_the_command(tmp_path: Path) -> None:
    """twinset check prints findings and ends with status 1 for a bad file."""
    file = tmp_path / "bad.toml"
    file.write_text("format = 1\n")
    result = run("check", str(file), "--json")
    assert result.exit_code == 1


def test_a_command_starts_without_the_model_of_the_configuration() -> None:
    """Loading that model takes as long as all the rest of the command: who asks for a status does not wait for it."""
    code = "import sys, twinset.operator.cli; print('pydantic' in sys.modules)"
    env = {"PYTHONPATH": str(Path(twinset.__file__).parents[1])}
    assert harness_run.run([sys.executable, "-c", code], env=env).stdout == "False\n"
