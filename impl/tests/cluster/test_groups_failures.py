"""A resource of each kind that fails to start or to stop: a named state, a reason, a way out, nothing left."""

import pytest

from twinset.cluster.groups import (
    ACTIVE,
    INACTIVE,
    RUNS_UP,
    START_FAILED,
    STOP_FAILED,
    GroupRun,
)
from twinset.cluster.view import GroupView, Resource, ordered

KINDS = (
    "mirror_disk",
    "registry_key",
    "floating_ip",
    "virtual_ip",
    "virtual_computer_name",
    "printer",
    "script",
)
VIEW = GroupView(
    name="db",
    policy=("server1", "server2"),
    automatic=True,
    exclusive=False,
    failback=False,
    resources=ordered(
        tuple(
            Resource(kind, index, "set1" if kind == "mirror_disk" else "")
            for kind in KINDS
            for index in (0, 1)
        )
    ),
)
# A mirror disk that fails lets the script decide (4.5.2-01); everything else rolls back.
ROLLS_BACK = tuple(kind for kind in KINDS if kind != "mirror_disk")


def walk(run: GroupRun, failing: tuple[str, str, int] | None = None) -> list[tuple[str, str, int]]:
    """Do every step that is left; return them in order."""
    done = []
    while (step := run.next_step()) is not None:
        here = (step.verb, step.resource.kind, step.resource.index)
        done.append(here)
        run.begin_step(len(done))
        run.step_done(ok=here != failing, reason="it broke" if here == failing else "")
    run.finish()
    return done


def up(steps: list[tuple[str, str, int]]) -> set[tuple[str, int]]:
    """What is up after these steps, as far as anybody knows: a failed start may have done its work in part."""
    left: set[tuple[str, int]] = set()
    for verb, kind, index in steps:
        if verb in ("start", "activate"):
            left.add((kind, index))
        elif verb == "stop":
            left.discard((kind, index))
    return left


@pytest.mark.parametrize("kind", ROLLS_BACK)
@pytest.mark.parametrize("index", [0, 1])
def test_a_start_that_fails_leaves_a_reason_and_nothing_else(kind: str, index: int) -> None:
    """Whatever was started, and the failed one, is stopped again; the state names the resource; a start works then."""
    run = GroupRun(VIEW)
    run.begin_start(1, "START")
    steps = walk(run, ("start", kind, index))
    assert (run.state, run.reason) == (START_FAILED, f"{kind} {index}: it broke")
    assert up(steps) == set()
    assert ("stop", kind, index) in steps
    run.begin_start(2, "START")
    assert (run.state, run.reason) == (RUNS_UP, "")
    walk(run)
    assert run.state == ACTIVE


@pytest.mark.parametrize("verb", ["activate", "start"])
def test_a_disk_that_fails_to_start_lets_the_script_decide(verb: str) -> None:
    """The group is active, says so, and its script saw ARMS_DISK=FAILURE; a stop leaves nothing."""
    run = GroupRun(VIEW)
    run.begin_start(1, "START")
    steps = walk(run, (verb, "mirror_disk", 0))
    assert (run.state, run.disk_failure) == (ACTIVE, True)
    assert "it broke" in run.reason
    assert run.environment("server1")["ARMS_DISK"] == "FAILURE"
    run.begin_stop()
    left = up([*steps, *walk(run)])
    assert left <= {("mirror_disk", 0)}  # which was refused, and so never was up
    assert (run.state, run.reason) == (INACTIVE, "")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("index", [0, 1])
def test_a_stop_that_fails_names_itself_and_is_tried_again(kind: str, index: int) -> None:
    """Everything else stops all the same; the group counts as running here until a later stop succeeds (5.2.3-03)."""
    run = GroupRun(VIEW)
    run.begin_start(1, "START")
    steps = walk(run)
    run.begin_stop()
    steps += walk(run, ("stop", kind, index))
    assert (run.state, run.reason) == (STOP_FAILED, f"{kind} {index}: it broke")
    assert run.running
    run.begin_stop()
    again = walk(run)
    assert again[0] == ("stop", kind, index)
    assert {step[1:] for step in again} == {(kind, index)}
    assert up([*steps, *again]) == set()
    assert (run.state, run.reason, run.running) == (INACTIVE, "", False)
