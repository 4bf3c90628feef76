"""Two real cores, joined by a perfect network and obedient servers; a test bends what it needs."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from twinset.cluster import effects, events
from twinset.cluster.server import Cluster
from twinset.cluster.view import ClusterView, GroupView, Resource, Timing

TIMING = Timing()
STATUS = {
    "role": "idle",
    "state": "IN_SYNC",
    "session": "in_sync",
    "set_state": "NORMAL",
    "latest": True,
    "may_activate": {"ok": True, "reason": ""},
    "cur": "1",
}


def disk_group(name: str, policy: tuple[str, ...], mirror_set: str, **attributes: Any) -> GroupView:
    resources = (Resource("mirror_disk", 0, mirror_set), Resource("floating_ip", 0), Resource("script", 0))
    return GroupView(name, policy, resources=resources, **attributes)


def make_view(**changes: Any) -> ClusterView:
    """The fixture of the guide's example: A prefers server 1, B prefers server 2 [6.2.5-08, 6.2.5-09]."""
    settings: dict[str, Any] = {
        "name": "demo",
        "servers": ("server1", "server2"),
        "lans": ("public", "ic1"),
        "sets": ("set1", "set2"),
        "groups": (
            disk_group("A", ("server1", "server2"), "set1"),
            disk_group("B", ("server2", "server1"), "set2"),
        ),
    }
    return ClusterView(**{**settings, **changes})


class Pair:
    """Both servers. Time passes only by `run`; everything else happens at once."""

    def __init__(self, view: ClusterView) -> None:
        self.view = view
        self.now_ms = 1_000_000
        self.boots = 0
        self.clusters: dict[str, Cluster] = {}
        self.memory: dict[str, dict[str, Any]] = {name: {} for name in view.servers}
        self.boot_ids: dict[str, str] = {}
        self.queue: deque[tuple[str, Any]] = deque()
        self.done: list[tuple[str, Any]] = []  # (server, effect), everything but heartbeats and messages
        self.replies: dict[int, effects.Reply] = {}
        self.requests = 0
        self.mute: set[str] = set()  # servers whose datagrams and messages are lost
        self.failing: dict[tuple[str, str, str], str] = {}  # server, kind or verb, action or set -> reason
        self.codes: dict[tuple[str, str, str], str] = {}  # the same -> class of the error
        self.held: set[str] = set()  # mirror verbs whose answer is kept back
        self.kept: list[tuple[str, Any]] = []
        for name in view.servers:
            self.power_on(name)

    def power_on(self, name: str, **status: Any) -> None:
        self.boots += 1
        self.boot_ids[name] = f"{self.boots:032x}"
        self.start_daemon(name, **status)

    def start_daemon(self, name: str, **status: Any) -> None:
        self.boots += 1
        self.clusters[name] = Cluster(
            self.view, name, self.boot_ids[name], f"{self.boots:016x}", dict(self.memory[name])
        )
        for mirror_set in self.view.sets:
            self.queue.append((name, events.MirrordUp(mirror_set)))
            self.mirror(name, mirror_set, **status)

    def power_off(self, name: str) -> None:
        del self.clusters[name]
        for mirror_set in self.view.sets:
            for other in self.clusters:
                self.mirror(other, mirror_set, session="none", set_state="INCONSISTENT")

    def mirror(self, name: str, mirror_set: str, **changes: Any) -> None:
        self.queue.append((name, events.MirrorStatus(mirror_set, {**STATUS, **changes})))

    def mirrors(self, **changes: Any) -> None:
        """Every side of every set reports the same."""
        for name in self.clusters:
            for mirror_set in self.view.sets:
                self.mirror(name, mirror_set, **changes)
        self.settle()

    def request(self, name: str, verb: str, /, **args: Any) -> int:
        self.requests += 1
        self.queue.append((name, events.Request(self.requests, verb, args)))
        self.settle()
        return self.requests

    def ask(self, name: str, verb: str, /, **args: Any) -> effects.Reply:
        """Ask, let ten heartbeats pass, and return the answer."""
        number = self.request(name, verb, **args)
        if number not in self.replies:
            self.run(30_000)
        return self.replies[number]

    def run(self, duration_ms: int) -> None:
        end_ms = self.now_ms + duration_ms
        while self.now_ms < end_ms:
            self.now_ms += self.view.timing.tick_ms
            for name in list(self.clusters):
                self.queue.append((name, events.Tick(self.now_ms)))
            self.settle()

    def settle(self) -> None:
        while self.queue:
            name, event = self.queue.popleft()
            if name in self.clusters:
                self._perform(name, self.clusters[name].step(event))

    def _perform(self, name: str, todo: list[Any]) -> None:
        peer = self.view.peer_of(name)
        for effect in todo:
            if isinstance(effect, effects.SendHeartbeat):
                if name not in self.mute:
                    self.queue.append((peer, events.HeartbeatReceived(effect.lan, effect.heartbeat)))
            elif isinstance(effect, effects.SendPeer):
                if name not in self.mute and peer not in self.mute:
                    self.queue.append((peer, events.PeerMessage(effect.message)))
            elif isinstance(effect, effects.Persist):
                self.memory[name][effect.key] = effect.value
            elif isinstance(effect, effects.Reply):
                assert effect.request_id not in self.replies, "a second answer"
                assert effect.ok or "no reason was given" not in effect.error["message"]
                self.replies[effect.request_id] = effect
            else:
                self.done.append((name, effect))
                self._answer(name, effect)

    def _answer(self, name: str, effect: Any) -> None:
        if isinstance(effect, effects.RunStep) and effect.action != "abort":
            reason = self.failing.get((name, effect.kind, effect.action), "")
            code = self.codes.get((name, effect.kind, effect.action), "")
            done = events.StepDone(effect.action_id, not reason, reason, code=code)
            (self.kept if effect.kind in self.held else self.queue).append((name, done))
        elif isinstance(effect, effects.MirrorCommand) and effect.action_id:
            reason = self.failing.get((name, effect.verb, effect.set), "")
            done = events.StepDone(effect.action_id, not reason, reason)
            (self.kept if effect.verb in self.held else self.queue).append((name, done))
        elif isinstance(effect, effects.Halt):
            del self.clusters[name]

    def release(self) -> None:
        """Give the answers that were kept back."""
        self.held.clear()
        self.queue.extend(self.kept)
        self.kept.clear()
        self.settle()

    def status(self, name: str) -> dict[str, Any]:
        return dict(self.ask(name, "cluster.status").result)

    def servers(self, name: str) -> tuple[str, ...]:
        """The statuses as one server shows them."""
        shown = self.status(name)["servers"]
        return tuple(shown[server]["status"] for server in self.view.servers)

    def places(self, name: str) -> dict[str, Any]:
        return {group: row["server"] for group, row in self.status(name)["groups"].items()}

    def steps(self, name: str, group: str) -> list[tuple[str, str, str]]:
        """What was run for a group: (kind, action, ARMS_EVENT)."""
        return [
            (effect.kind, effect.action, effect.environment.get("ARMS_EVENT", ""))
            for server, effect in self.done
            if server == name and isinstance(effect, effects.RunStep) and effect.group == group
        ]

    def scripts(self, name: str, group: str) -> list[dict[str, str]]:
        """The environments of the start scripts."""
        return [
            dict(effect.environment)
            for server, effect in self.done
            if server == name
            and isinstance(effect, effects.RunStep)
            and (effect.group, effect.kind, effect.action) == (group, "script", "start")
        ]

    def commands(self, name: str, verb: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (effect.set, dict(effect.args))
            for server, effect in self.done
            if server == name and isinstance(effect, effects.MirrorCommand) and effect.verb == verb
        ]

    def logged(self, name: str) -> list[str]:
        return [
            effect.name for server, effect in self.done if server == name and isinstance(effect, effects.Log)
        ]


@pytest.fixture()
def view() -> ClusterView:
    return make_view()


@pytest.fixture()
def pair(view: ClusterView) -> Pair:
    """Two servers that are switched on and stopped (X)."""
    pair = Pair(view)
    pair.run(4_000)
    return pair


@pytest.fixture()
def started(pair: Pair) -> Pair:
    """P1 of the walk-through: both operate, A runs on server 1, B on server 2."""
    assert pair.ask("server1", "cluster.start").ok
    pair.run(4_000)
    pair.done.clear()
    return pair
