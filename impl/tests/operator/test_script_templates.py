"""Scripts made from the guide's samples: what each does on each occasion, with stand-ins for commands and programs."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.run import run
from twinset.errors import Refusal
from twinset.operator import script_templates as templates
from twinset.operator.cli import app

FILL = {
    "plain": {},
    "file-sharing": {"SHARE": "data", "PATH": "", "ADDRESS": "10.0.1.100"},
    "watch-shares": {"SHARES": "//server1/share1 //server1/share3", "ADDRESS": "10.10.10.1"},
    "watch-application": {"PROGRAM": "/usr/local/bin/watch-database --every 10"},
}
COMMANDS = ("ARMLOAD", "ARMKILL", "ARMFOVER", "ARMSLEEP", "smbd")


class Scripts:
    """The scripts of group db, and commands that write down how they are called."""

    def __init__(self, directory: Path, template: str) -> None:
        self.directory, self.log = directory, directory / "called"
        given = {word: text or str(directory / "data") for word, text in FILL[template].items()}
        for name, text in templates.render(template, "db", str(directory), given).items():
            (directory / name).write_text(text.replace("/run/twinset-share", str(directory / "run")))
            (directory / name).chmod(0o755)
        for command in COMMANDS:
            (directory / command).write_text(f'#!/bin/sh\necho "{command} $*" >> {self.log}\n')
            (directory / command).chmod(0o755)

    def run(self, part: str, event: str, server: str = "HOME", disk: str = "SUCCESS") -> list[str]:
        """Run a script to its end, and that of what it has left in the background; return the calls."""
        self.log.unlink(missing_ok=True)
        env = {"PATH": f"{self.directory}:{os.environ['PATH']}", "ARMS_GROUPNAME": "db"}
        if event:
            env |= {"ARMS_EVENT": event, "ARMS_SERVER": server, "ARMS_DISK": disk}
        # The pipe stays open until everything that inherited it has ended.
        assert run([str(self.directory / f"db-{part}")], env=env).stderr == ""
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def scripts(request: pytest.FixtureRequest, tmp_path: Path) -> Scripts:
    return Scripts(tmp_path, request.param)


def of(template: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scripts", [template], indirect=True)


@of("plain")
@pytest.mark.parametrize(
    ("event", "server", "disk", "calls"),
    [
        ("START", "HOME", "FAILURE", ["ARMFOVER /F db"]),
        ("FAILOVER", "HOME", "FAILURE", ["ARMFOVER /F db"]),
        ("START", "OTHER", "FAILURE", []),
        ("START", "HOME", "SUCCESS", []),
        ("RECOVER", "HOME", "FAILURE", []),
        ("", "HOME", "FAILURE", []),
    ],
)
def test_a_group_without_its_disk_leaves_its_home_only(
    scripts: Scripts, event: str, server: str, disk: str, calls: list[str]
) -> None:
    """The decision table of 4.5.2: FAILURE wins over the server, OTHER never calls ARMFOVER, RECOVER does nothing."""
    assert scripts.run("start", event, server, disk) == calls


@of("plain")
@pytest.mark.parametrize("event", ["START", "FAILOVER"])
@pytest.mark.parametrize("server", ["HOME", "OTHER"])
def test_each_occasion_has_a_place_of_its_own(scripts: Scripts, event: str, server: str) -> None:
    """A command in the place of START at home runs then, and on no other occasion."""
    start = scripts.directory / "db-start"
    start.write_text(start.read_text().replace(f"{event}-{server}) :", f"{event}-{server}) ARMSLEEP 1"))
    ran = {
        (e, s): scripts.run("start", e, s)
        for e in ("START", "FAILOVER", "RECOVER")
        for s in ("HOME", "OTHER")
    }
    assert {place for place, calls in ran.items() if calls == ["ARMSLEEP 1"]} == {(event, server)}


@of("watch-shares")
def test_the_shares_of_the_other_server_are_watched(scripts: Scripts) -> None:
    """The sample of 9.2 for server 2, as the guide prints it: W2 and W3 there are W1 and W2 here; on START alone."""
    assert scripts.run("start", "START") == [
        "ARMLOAD W1 /U root ARMWHSR //server1/share1 10.10.10.1",
        "ARMLOAD W2 /U root ARMWHSR //server1/share3 10.10.10.1",
    ]
    assert [scripts.run("start", event) for event in ("FAILOVER", "RECOVER", "")] == [[], [], []]
    assert scripts.run("stop", "START") == ["ARMKILL W1", "ARMKILL W2"]


@of("watch-application")
def test_a_watcher_is_loaded_with_its_threshold(scripts: Scripts) -> None:
    """The command of 9.3: two restarts, an hour; its program keeps its arguments."""
    expected = ["ARMLOAD W1 /R 2 /H 1 /usr/local/bin/watch-database --every 10"]
    assert [scripts.run("start", event) for event in ("START", "FAILOVER")] == [expected, expected]
    assert scripts.run("start", "RECOVER") == []
    assert scripts.run("stop", "START") == ["ARMKILL W1"]


@of("file-sharing")
def test_a_directory_is_shared_while_the_group_runs(scripts: Scripts) -> None:
    """A file server at the group's address, watched; without the disk the group leaves its home."""
    [call] = scripts.run("start", "FAILOVER", "OTHER")
    assert call.startswith("ARMLOAD db-smbd /R 3 /H 1 /FOV smbd --foreground")
    conf = Path(call.split(" -s ")[1]).read_text()
    assert f"[data]\npath = {scripts.directory}/data\nread only = no\nguest ok = no\n" in conf
    assert "interfaces = 10.0.1.100\n" in conf
    assert (scripts.run("stop", "START"), Path(call.split(" -s ")[1]).exists()) == (
        ["ARMKILL db-smbd"],
        False,
    )
    assert scripts.run("start", "START", disk="FAILURE") == ["ARMFOVER /F db"]
    assert scripts.run("start", "START", "OTHER", "FAILURE") == []


@pytest.mark.parametrize("name", templates.TEMPLATES)
def test_every_word_of_a_template_is_known_and_used(name: str, tmp_path: Path) -> None:
    """None is left in the text, and a word that is given changes it."""
    given = {word.name: "first-value" for word in templates.TEMPLATES[name].words}
    whole = templates.render(name, "db", "/etc", given)
    assert not any("@" in text for text in whole.values())
    for word in given:
        assert templates.render(name, "db", "/etc", {**given, word: "other-value"}) != whole, word


def test_what_is_filled_in_stays_one_word_of_the_shell(tmp_path: Path) -> None:
    """A value with spaces, quotes or commands in it is not run."""
    nasty = f"$(touch {tmp_path}/ran); ' x"
    scripts = templates.render("watch-application", "db", "/etc", {"PROGRAM": "true", "WATCH": nasty})
    run(["sh", "-n"], input_text=scripts["db-start"])
    run(["sh"], input_text=scripts["db-start"], env={"ARMS_EVENT": "START"}, check=False)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "group", "given", "code"),
    [
        ("none", "db", {}, "E_NOTFOUND"),
        ("plain", "d b", {}, "E_CHARSET"),
        ("plain", "db", {"SHARE": "x"}, "E_NOTFOUND"),
        ("watch-application", "db", {}, "E_RANGE"),
        ("watch-application", "db", {"PROGRAM": "a\nb"}, "E_CHARSET"),
    ],
)
def test_what_cannot_be_filled_in_is_refused(name: str, group: str, given: dict[str, str], code: str) -> None:
    """An unknown template or word, one that is missing, a name that no group may have."""
    with pytest.raises(Refusal) as refused:
        templates.render(name, group, "/etc", given)
    assert refused.value.code == code


def test_the_command_writes_executable_files_and_overwrites_none(tmp_path: Path) -> None:
    """With the table for the configuration; a second time it refuses and changes nothing."""
    argv = ["group", "script", "new", "db", "--directory", str(tmp_path)]
    first = CliRunner().invoke(app, argv)
    assert first.exit_code == 0, first.output
    assert f'start = "{tmp_path}/db-start"' in first.output
    assert {path.name for path in tmp_path.iterdir() if os.access(path, os.X_OK)} == {
        "db-start", "db-stop", "db-diskfail"
    }  # fmt: skip
    (tmp_path / "db-start").write_text("mine")
    second = CliRunner().invoke(app, [*argv, "--json"])
    assert (second.exit_code, json.loads(second.stdout)["error"]["code"]) == (1, "E_DUP")
    assert (tmp_path / "db-start").read_text() == "mine"


def test_the_templates_are_shown_with_their_words() -> None:
    """For people and for programs."""
    assert (
        "watch-shares: the sample of 9.2" in CliRunner().invoke(app, ["group", "script", "templates"]).output
    )
    shown = json.loads(CliRunner().invoke(app, ["group", "script", "templates", "--json"]).output)
    assert [each["name"] for each in shown] == list(templates.TEMPLATES)
