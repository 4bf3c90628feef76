"""Start and stop scripts: environment, log, status, time."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from twinset.errors import StepFailed
from twinset.resources.script import log as log_module
from twinset.resources.script import plan
from twinset.resources.script.resource import ScriptResource
from twinset.shell.run import Result

ARMS = {"ARMS_EVENT": "START", "ARMS_SERVER": "HOME", "ARMS_DISK": "SUCCESS", "ARMS_GROUPNAME": "db"}


@pytest.fixture
def context(make_context, tmp_path: Path) -> Any:
    """A context whose scripts exist."""
    made = make_context(environment=ARMS)
    for name in ("start", "stop"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    script = made.group.scripts[0].model_copy(
        update={"start": str(tmp_path / "start"), "stop": str(tmp_path / "stop")}
    )
    return dataclasses.replace(made, group=made.group.model_copy(update={"scripts": (script,)}))


def test_the_variables_of_the_guide_reach_the_script(system, context) -> None:
    """A script sees the ARMS_ variables and a usable PATH, and nothing of the supervisor."""
    asyncio.run(ScriptResource().start(context))
    environment = system.environments[0]
    assert ARMS.items() <= environment.items()
    assert environment["PATH"]
    assert system.ran[0] == ["choom", "-n", "0", "--", context.group.scripts[0].start]


def test_what_belongs_to_the_supervisor_is_not_inherited() -> None:
    """A script must not tell systemd that twinsetd is ready."""
    found = plan.environment({"NOTIFY_SOCKET": "/x", "A": "1"}, {"ARMS_EVENT": "START"}, "/opt/bin")
    assert "NOTIFY_SOCKET" not in found
    assert found["A"] == "1"


@pytest.mark.parametrize(
    ("inherited", "path"),
    [
        ({"PATH": "/bin"}, "/bin:/opt/twinset/bin"),
        ({"PATH": "/opt/twinset/bin:/bin"}, "/opt/twinset/bin:/bin"),
        ({}, f"{plan.PATH}:/opt/twinset/bin"),
    ],
)
def test_a_script_finds_the_script_commands(inherited: dict[str, str], path: str) -> None:
    """Where ARMLOAD and the others are installed is in the PATH of a script, once, after the system's own."""
    assert plan.environment(inherited, {}, "/opt/twinset/bin")["PATH"] == path


def test_output_is_kept_per_group_and_action(context) -> None:
    """The log of a script begins with its variables and keeps what it said."""
    asyncio.run(ScriptResource().start(context))
    text = (context.state_dir / "scripts" / "db-start.log").read_text()
    assert "ARMS_EVENT" in text
    assert "said something" in text


def test_the_status_of_a_script_is_told_not_obeyed(system, context, answer) -> None:
    """A status other than 0 is an event, and the group goes on."""
    system.answers["choom"] = answer(code=3)
    asyncio.run(ScriptResource().start(context))
    assert system.events[0][:2] == ("script_exit_status", "warning")
    assert system.events[0][2]["status"] == 3


def test_a_script_that_is_killed_for_its_time_fails_the_step(system, context) -> None:
    """A script that does not end in time fails the step, with an event."""
    system.answers["choom"] = lambda argv: Result(tuple(argv), -1, "", "", timed_out=True)
    with pytest.raises(StepFailed, match="did not end"):
        asyncio.run(ScriptResource().stop(context))
    assert system.events[0][0] == "script_timeout"


def test_a_missing_script_fails_the_step(system, make_context) -> None:
    """A script that is no executable file is named."""
    with pytest.raises(StepFailed, match="/start"):
        asyncio.run(ScriptResource().start(make_context()))
    assert system.ran == []


def test_a_start_script_does_not_run_twice_in_a_boot(system, context) -> None:
    """A restarted daemon does not start the application again."""
    asyncio.run(ScriptResource().start(dataclasses.replace(context, running=True)))
    assert system.ran == []


def test_the_log_is_bounded(context, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that grew too long keeps its newest part."""
    monkeypatch.setattr(log_module, "LOG_BYTES_MAX", 1000)
    log = context.state_dir / "scripts" / "db-start.log"
    log.parent.mkdir()
    log.write_text("old\n" * 1000 + "newest\n")
    asyncio.run(ScriptResource().start(context))
    text = log.read_text()
    assert len(text) < 1000
    assert "newest" in text


def test_a_group_name_is_no_path() -> None:
    """The name of a group cannot leave the log directory."""
    assert "/" not in plan.log_name("../../x", "start")


def test_a_script_that_survived_its_daemon_is_waited_for(
    system, context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start script that a killed daemon left running is not started a second time beside itself."""
    program = context.group.scripts[0].start
    (context.run_dir / plan.pid_name("db", 0, "start")).write_text("4242\n")
    looks = iter([True, True, False])
    monkeypatch.setattr(system, "is_alive", lambda _: next(looks))
    monkeypatch.setattr(system, "command_line", lambda _: ("sh", program))
    asyncio.run(ScriptResource().start(context))
    assert system.programs() == ["pause", "pause"]
    assert system.events[0][0] == "script_adopted"
    asyncio.run(ScriptResource().start(context))
    assert "choom" in system.programs()
