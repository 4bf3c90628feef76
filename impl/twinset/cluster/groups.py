"""One failover group on one server: a unit that starts and stops as a whole.

Theory of operation. For every group both servers hold a `GroupRecord`: who owns it, whether it is wanted,
and a version. Only the owner may run the group, and only the owner changes the record while both servers
operate; the higher version wins. So ownership passes from hand to hand, and a group never has two owners
unless the servers cannot hear each other at all.

`GroupRun` is what the group is on *this* server. It walks a sequence of steps, one at a time: disks first
(activate the mirror set, then attach and mount), registry keys, floating and virtual IPs, virtual
computer names, scripts [5.2.2-17, 6.2.7-05]; stopping is the reverse [5.2.2-05]. A disk that cannot be activated
does not stop the start: the script runs with ARMS_DISK=FAILURE [4.5.2-01]. Any other failed start step rolls back
what was started and leaves `start_failed` with the reason. A failed stop step does not keep the others
from stopping, but leaves `stop_failed`: the group is not started elsewhere from there.

What a script asks for its own group (fail over, run the scripts again) is a `Wish`: accepted at once, granted
when the group has started, so that the script that asked is not ended by what it asked for [4.5.2-14].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .view import Resource, ordered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .view import GroupView

INACTIVE, RUNS_UP, ACTIVE, RUNS_DOWN = "inactive", "starting", "active", "stopping"
START_FAILED, STOP_FAILED = "start_failed", "stop_failed"

GROUP_STATES: dict[tuple[str, str], str] = {
    (INACTIVE, "start"): RUNS_UP,
    (INACTIVE, "refuse"): START_FAILED,
    (START_FAILED, "start"): RUNS_UP,
    (START_FAILED, "refuse"): START_FAILED,
    (RUNS_UP, "started"): ACTIVE,
    (ACTIVE, "restart"): RUNS_UP,
    (RUNS_UP, "failed"): RUNS_DOWN,
    (RUNS_UP, "stop"): RUNS_DOWN,
    (ACTIVE, "stop"): RUNS_DOWN,
    (STOP_FAILED, "stop"): RUNS_DOWN,
    (START_FAILED, "stop"): INACTIVE,
    (RUNS_DOWN, "stopped"): INACTIVE,
    (RUNS_DOWN, "rolled_back"): START_FAILED,
    (RUNS_DOWN, "stop_error"): STOP_FAILED,
}

RUNNING = frozenset({RUNS_UP, ACTIVE, RUNS_DOWN, STOP_FAILED})


@dataclass(slots=True)
class GroupRecord:
    """What both servers agree on; versions only grow."""

    owner: str
    version: int = 0
    wanted: bool = False
    event: str = "START"  # ARMS_EVENT of the next start [4.5.2-05]

    def to_json(self) -> list[Any]:
        """The record as it travels and is kept."""
        return [self.owner, self.version, self.wanted, self.event]


def record_from_json(value: Any, servers: tuple[str, str]) -> GroupRecord | None:
    """A record from the peer or the store; None when it is malformed."""
    match value:
        case [str(owner), int(version), bool(wanted), ("START" | "FAILOVER") as event] if owner in servers:
            return GroupRecord(owner, version, wanted, event)
    return None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: `verb` is activate or deactivate (mirror process), start or stop (resource)."""

    verb: str
    resource: Resource


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for a group that may still be starting: to go to `server`, or ("") to run its scripts again."""

    reason: str
    server: str = ""


@dataclass(slots=True)
class GroupRun:
    """The group on this server. `attempt` is the version of the record the last start was made for."""

    view: GroupView
    state: str = INACTIVE
    attempt: int = -1
    disk_failure: bool = False
    reason: str = ""
    code: str = ""  # the class of the error behind the reason, where it has one of its own
    event: str = "START"
    move_to: str = ""  # where the group goes when it has stopped
    move_event: str = "START"
    last_words: str = ""  # the reason that remains when this stop has ended
    started: list[Step] = field(default_factory=list)
    todo: list[Step] = field(default_factory=list)
    current: Step | None = None
    action_id: int = 0
    aborted: bool = False
    failed: bool = False  # a start step failed: this stop is a roll-back
    stop_errors: list[str] = field(default_factory=list)
    associate: bool = True  # the group's name stands for its address since this start [7.3.1.4-01]
    waits: bool = False  # the next step waits for the mirror session of a dead peer to end
    wish: Wish | None = None

    @property
    def running(self) -> bool:
        """True unless nothing of the group can be up here."""
        return self.state in RUNNING

    def begin_start(self, version: int, event: str, *, associate: bool = True) -> None:
        """Take the record's wish: from here on `next_step` says what to do."""
        self.state = GROUP_STATES[self.state, "start"]
        self.attempt, self.event, self.associate = version, event, associate
        self.disk_failure = self.failed = False
        self.reason = self.code = ""
        self.wish = None
        self.started = []
        self.todo = []
        for resource in ordered(self.view.resources):
            if resource.kind == "mirror_disk":
                self.todo.append(Step("activate", resource))
            self.todo.append(Step("start", resource))

    @property
    def scripts(self) -> list[Resource]:
        """Its scripts, in start order."""
        return [resource for resource in ordered(self.view.resources) if resource.kind == "script"]

    def begin_restart(self) -> None:
        """Run the stop scripts, then the start scripts; everything else of the group stays up [6.3-14]."""
        self.state = GROUP_STATES[self.state, "restart"]
        self.failed = False
        self.todo = [Step("stop", script) for script in reversed(self.scripts)]
        self.todo += [Step("start", script) for script in self.scripts]

    def begin_stop(self) -> bool:
        """Stop, whatever runs; returns whether the running step should be aborted."""
        if self.state == RUNS_DOWN:
            return False
        self.failed = False
        interrupted = self.state == RUNS_UP and self.current is not None
        was_starting = self.state == RUNS_UP
        self.state = GROUP_STATES[self.state, "stop"]
        if self.state != RUNS_DOWN:
            self.reason = ""
            return False
        self.stop_errors = []
        self.aborted = interrupted
        if not interrupted:
            self._plan_stop()
        if was_starting:
            self.waits = False
        return interrupted

    def next_step(self) -> Step | None:
        """The step to begin now; None while one runs or nothing is left."""
        if self.current is not None or not self.todo:
            return None
        return self.todo[0]

    def begin_step(self, action_id: int) -> None:
        """The step from `next_step` has been begun as `action_id`."""
        self.current = self.todo.pop(0)
        self.action_id = action_id
        self.waits = False

    def step_done(self, *, ok: bool, reason: str, code: str = "") -> None:
        """The running step ended; plans what follows and changes the state at the end of a sequence."""
        step, self.current = self.current, None
        self.action_id = 0
        if step is None:
            return
        if self.state == RUNS_UP:
            self._start_step_done(step, ok=ok, reason=reason, code=code)
        elif self.state == RUNS_DOWN and self.aborted:
            # The interrupted start step may have done its work in part: it is stopped too.
            self.aborted = False
            self.started.append(step)
            self._plan_stop()
        elif not ok:
            self.stop_errors.append(f"{step.resource.kind} {step.resource.index}: {reason}")
            self.started.append(step)  # the next stop tries it again

    def finish(self) -> str:
        """End a sequence that has no steps left; returns the trigger, "" when it is not at its end."""
        if self.current is not None or self.todo or self.state not in (RUNS_UP, RUNS_DOWN):
            return ""
        if self.state == RUNS_UP:
            trigger = "started"
        elif self.stop_errors:
            trigger, self.reason = "stop_error", "; ".join(self.stop_errors)
        else:
            trigger = "rolled_back" if self.failed else "stopped"
            if not self.failed:
                self.reason, self.disk_failure = self.last_words, False
        self.last_words = ""
        self.state = GROUP_STATES[self.state, trigger]
        return trigger

    def environment(self, me: str) -> dict[str, str]:
        """The variables of scripts [4.5.2-05 to 4.5.2-18]."""
        return {
            "ARMS_EVENT": self.event,
            "ARMS_SERVER": "HOME" if me == self.view.policy[0] else "OTHER",
            "ARMS_DISK": "FAILURE" if self.disk_failure else "SUCCESS",
            "ARMS_GROUPNAME": self.view.name,
        }

    def to_json(self) -> dict[str, Any]:
        """What the peer and the store are told."""
        return {
            "state": self.state,
            "attempt": self.attempt,
            "disk_failure": self.disk_failure,
            "reason": self.reason,
            "code": self.code,
            "event": self.event,
            "associate": self.associate,
        }

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Take over from a former twinsetd of this boot: what was up is up; what was under way is redone."""
        state = str(saved.get("state", INACTIVE))
        self.attempt = int(saved.get("attempt", -1))
        self.disk_failure = bool(saved.get("disk_failure"))
        self.reason = str(saved.get("reason", ""))
        self.event = "FAILOVER" if saved.get("event") == "FAILOVER" else "START"
        self.associate = bool(saved.get("associate", True))
        if state == RUNS_UP:  # what its start had reached is not known: stop all of it, then try again
            state, self.attempt = RUNS_DOWN, -1
        self.state = state if (state, "stop") in GROUP_STATES or state == RUNS_DOWN else INACTIVE
        if self.state in (ACTIVE, STOP_FAILED, RUNS_DOWN):
            for resource in ordered(self.view.resources):
                self.started += [Step("start", resource)]
        if self.state == RUNS_DOWN:
            self._plan_stop()

    def _start_step_done(self, step: Step, *, ok: bool, reason: str, code: str) -> None:
        if ok:
            if step not in self.started:
                self.started.append(step)
        elif step.resource.kind == "mirror_disk":
            self.disk_failure = True
            self.reason = f"disk of mirror set {step.resource.set}: {reason} [4.5.2-01]"
            if step.verb == "activate":
                self.todo = [item for item in self.todo if item.resource != step.resource]
        else:
            self.failed = True
            self.reason, self.code = f"{step.resource.kind} {step.resource.index}: {reason}", code
            self.state = GROUP_STATES[self.state, "failed"]
            self.stop_errors = []
            self.started.append(step)
            self._plan_stop()

    def _plan_stop(self) -> None:
        """Stop what was started, last first. An activated set is deactivated after its disk is unmounted."""
        self.todo = []
        for resource in reversed(ordered(self.view.resources)):
            touched = any(step.resource == resource for step in self.started)
            if touched:
                self.todo.append(Step("stop", resource))
            if touched and resource.kind == "mirror_disk":
                self.todo.append(Step("deactivate", resource))
        self.started = []
