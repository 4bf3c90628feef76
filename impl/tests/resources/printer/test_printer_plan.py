"""The print scheduler of a group: where everything lies, what it listens at, how queues become those wanted."""

from pathlib import Path

import pytest

from twinset.config.cluster import PrintQueue
from twinset.resources.printer import parse, plan

WHERE = plan.files(Path("/run/twinset"), "db", "/mnt/db/spool")
OFFICE = PrintQueue(name="office", device="socket://10.0.1.50:9100")


def test_jobs_and_queues_lie_on_the_mirror_disk_and_nothing_else_of_the_scheduler_does() -> None:
    """What must move with the group is in the spool; sockets, state and logs die with the boot."""
    said = dict(line.split(" ", 1) for line in plan.places(WHERE).splitlines()[1:])
    assert {name for name, value in said.items() if value.startswith("/mnt/db/spool/")} == {
        "ServerRoot", "RequestRoot", "CacheDir"
    }  # fmt: skip
    assert {name for name, value in said.items() if value.startswith("/run/twinset/printers/db/")} == {
        "StateDir", "ErrorLog", "AccessLog", "PageLog"
    }  # fmt: skip


def test_it_listens_at_the_addresses_of_its_group_only() -> None:
    """So another group's scheduler, and the server's own at localhost, have their place too."""
    listens = [
        line for line in plan.settings(WHERE, ["10.0.1.100", "10.0.1.101"]).splitlines() if "Listen" in line
    ]
    assert listens == ["Listen 10.0.1.100:631", "Listen 10.0.1.101:631", f"Listen {WHERE.socket}"]


@pytest.mark.parametrize(
    ("present", "verbs"),
    [
        ({}, [["-p", "office"]]),
        ({"Office": "socket://10.0.1.50:9100"}, []),
        ({"office": "socket://10.0.1.51:9100"}, [["-p", "office"]]),
        ({"old": "socket://10.0.1.50:9100"}, [["-x", "old"], ["-p", "office"]]),
    ],
    ids=["new", "as it should be", "another device", "no longer wanted"],
)
def test_queues_become_those_of_the_configuration(present: dict[str, str], verbs: list[list[str]]) -> None:
    """What is right already is left alone: an operator may have paused it."""
    assert [argv[3:5] for argv in plan.changes(WHERE, [OFFICE], present)] == verbs


def test_a_driver_is_passed_on_only_where_one_is_named() -> None:
    """Without one, data go to the device as they come."""
    [raw] = plan.changes(WHERE, [OFFICE], {})
    [driven] = plan.changes(WHERE, [OFFICE.model_copy(update={"model": "everywhere"})], {})
    assert ("-m" in raw, driven[driven.index("-m") + 1]) == (False, "everywhere")


def test_what_the_tool_says_is_read() -> None:
    """Its first line, and a line for each queue; messages of an error are neither."""
    said = "scheduler is running\ndevice for office: socket://10.0.1.50:9100\ndevice for lab: ipp://10.0.1.51/ipp\n"
    assert parse.runs(said)
    assert parse.devices(said) == {"office": "socket://10.0.1.50:9100", "lab": "ipp://10.0.1.51/ipp"}
    assert not parse.runs("scheduler is not running\nlpstat: Bad file descriptor\n")
