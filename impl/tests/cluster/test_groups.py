"""One group as a unit: the order of its steps, and every way they can end."""

from __future__ import annotations

import pytest

from twinset.cluster.groups import (
    ACTIVE,
    GROUP_STATES,
    INACTIVE,
    RUNS_DOWN,
    START_FAILED,
    STOP_FAILED,
    GroupRecord,
    GroupRun,
    record_from_json,
)
from twinset.cluster.view import GroupView, Resource

SERVERS = ("server1", "server2")
VIEW = GroupView(
    "db",
    SERVERS,
    resources=(
        Resource("script", 0),
        Resource("virtual_computer_name", 0),
        Resource("virtual_ip", 0),
        Resource("floating_ip", 0),
        Resource("registry_key", 0),
        Resource("mirror_disk", 0, "set1"),
    ),
)
START = [
    ("activate", "mirror_disk"),
    ("start", "mirror_disk"),
    ("start", "registry_key"),
    ("start", "floating_ip"),
    ("start", "virtual_ip"),
    ("start", "virtual_computer_name"),
    ("start", "script"),
]
STOP = [
    ("stop", "script"),
    ("stop", "virtual_computer_name"),
    ("stop", "virtual_ip"),
    ("stop", "floating_ip"),
    ("stop", "registry_key"),
    ("stop", "mirror_disk"),
    ("deactivate", "mirror_disk"),
]


def walk(run: GroupRun, failing: tuple[tuple[str, str], ...] = ()) -> list[tuple[str, str]]:
    """Do steps until a sequence ends; returns them."""
    steps = []
    while True:
        step = run.next_step()
        if step is None:
            run.finish()
            return steps
        run.begin_step(len(steps) + 1)
        steps.append((step.verb, step.resource.kind))
        failed = (step.verb, step.resource.kind) in failing
        run.step_done(ok=not failed, reason="it broke" if failed else "")


def active() -> GroupRun:
    run = GroupRun(VIEW)
    run.begin_start(1, "START")
    walk(run)
    return run


def test_resources_start_in_the_guides_order() -> None:
    """Disks come first, scripts last, whatever the configuration's order [5.2.2-17, 6.2.7-05]."""
    run = GroupRun(VIEW)
    run.begin_start(1, "START")
    assert walk(run) == START
    assert run.state == ACTIVE


def test_stopping_is_the_reverse() -> None:
    """The script stops first, the disk is released last [5.2.2-05]."""
    run = active()
    run.begin_stop()
    assert walk(run) == STOP
    assert run.state == INACTIVE


def test_a_disk_that_cannot_be_activated_lets_the_script_decide() -> None:
    """The start goes on without the disk; the script sees ARMS_DISK=FAILURE [4.5.2-01, 4.5.2-08]."""
    run = GroupRun(VIEW)
    run.begin_start(1, "START")
    steps = walk(run, (("activate", "mirror_disk"),))
    assert ("start", "mirror_disk") not in steps
    assert ("start", "script") in steps
    assert (run.state, run.disk_failure) == (ACTIVE, True)
    assert run.environment("server1")["ARMS_DISK"] == "FAILURE"
    assert "set1" in run.reason


def test_a_disk_that_was_not_activated_is_not_released() -> None:
    """Stopping a group without its disk leaves the disk alone."""
    run = GroupRun(VIEW)
    run.begin_start(1, "START")
    walk(run, (("activate", "mirror_disk"),))
    run.begin_stop()
    assert [step for step in walk(run) if step[1] == "mirror_disk"] == []


def test_a_failed_resource_rolls_back_and_names_itself() -> None:
    """What was started is stopped again, and the state and its reason remain."""
    run = GroupRun(VIEW)
    run.begin_start(1, "START")
    steps = walk(run, (("start", "floating_ip"),))
    assert steps[4:] == STOP[3:]
    assert (run.state, run.reason) == (START_FAILED, "floating_ip 0: it broke")


def test_a_failed_stop_step_does_not_keep_the_others() -> None:
    """Every step of a stop is tried; what failed is named and tried again by the next stop."""
    run = active()
    run.begin_stop()
    assert walk(run, (("stop", "floating_ip"),)) == STOP
    assert (run.state, run.reason) == (STOP_FAILED, "floating_ip 0: it broke")
    run.begin_stop()
    assert walk(run) == [("stop", "floating_ip")]
    assert run.state == INACTIVE


def test_a_stop_interrupts_a_start() -> None:
    """The running step is aborted, and stopped with the others because it may have done its work in part."""
    run = GroupRun(VIEW)
    run.begin_start(1, "START")
    for number in (1, 2, 3, 4):
        run.begin_step(number)
        if number < 4:
            run.step_done(ok=True, reason="")
    assert run.begin_stop()
    assert (run.state, run.next_step()) == (RUNS_DOWN, None)
    run.step_done(ok=False, reason="aborted")
    assert walk(run) == STOP[3:]
    assert run.state == INACTIVE


@pytest.mark.parametrize("me", SERVERS)
def test_scripts_know_where_and_why(me: str) -> None:
    """ARMS_SERVER is HOME on the first server of the policy, whoever ran the group before [4.5.2-09]."""
    run = GroupRun(VIEW)
    run.begin_start(1, "FAILOVER")
    assert run.environment(me) == {
        "ARMS_EVENT": "FAILOVER",
        "ARMS_SERVER": "HOME" if me == "server1" else "OTHER",
        "ARMS_DISK": "SUCCESS",
        "ARMS_GROUPNAME": "db",
    }


def test_a_restarted_twinsetd_goes_on() -> None:
    """What was active is active, and stops completely."""
    run = GroupRun(VIEW)
    run.resume(active().to_json())
    assert run.state == ACTIVE
    run.begin_stop()
    assert walk(run) == STOP


@pytest.mark.parametrize("interrupted", range(1, len(START)))
def test_a_twinsetd_that_dies_in_a_start_leaves_nothing_behind(interrupted: int) -> None:
    """A successor stops everything, whatever the start had reached, and the group can be tried again."""
    run = GroupRun(VIEW)
    run.begin_start(1, "START")
    for number in range(1, interrupted + 1):
        run.begin_step(number)
        run.step_done(ok=True, reason="")
    successor = GroupRun(VIEW)
    successor.resume(run.to_json())
    assert walk(successor) == STOP
    assert (successor.state, successor.attempt) == (INACTIVE, -1)


def test_a_failed_stop_of_a_failed_start_ends_inactive() -> None:
    """Once a stop succeeds, the group is inactive, whatever had failed before."""
    run = GroupRun(VIEW)
    run.begin_start(1, "START")
    walk(run, (("start", "floating_ip"), ("stop", "floating_ip")))
    assert run.state == STOP_FAILED
    run.begin_stop()
    walk(run)
    assert run.state == INACTIVE


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        ["server1", 1, True],
        ["server3", 1, True, "START"],
        ["server1", "1", True, "START"],
        {"a": 1},
    ],
)
def test_a_malformed_record_is_none(value: object) -> None:
    """What the peer or the store says of a group is checked before it is believed."""
    assert record_from_json(value, SERVERS) is None


def test_a_record_survives_its_journey() -> None:
    """A record read back is the record that was written."""
    record = GroupRecord("server2", 7, wanted=True, event="FAILOVER")
    assert record_from_json(record.to_json(), SERVERS) == record


def test_no_state_is_a_dead_end() -> None:
    """Every state of a group is left by some trigger."""
    assert set(GROUP_STATES.values()) <= {before for before, _ in GROUP_STATES}
