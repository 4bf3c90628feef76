"""`twinset apply` interrupted at every step of its exchange, under a verifying writer (7.1.1-07; issue 5, point 2).

The same on one machine, with every write and every frame: impl/tests/shell/test_interrupted_change.py.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for
from impl.tests.pair.held import Held
from twinset.config import lineage

ACTIVE, OFFERED = "/var/lib/twinset/cluster.toml", "/var/lib/twinset/cluster.toml.offered"
NOTICED_S = 60.0  # a server that is gone: 20 s, not the 150 s that an answer may take
OLD, NEW = False, True

# Where the change stands while a frame is held: has the asked server the new text, has the other one, was it offered.
STEPS = {
    "not offered": (OLD, OLD, False),
    "offered": (OLD, OLD, True),
    "decided": (NEW, OLD, True),
    "carried out": (NEW, NEW, False),
}


@dataclass
class Change:
    """A change that was asked for, and stands at a step."""

    running: Pair
    asked: Server
    step: str
    new: str

    def __post_init__(self) -> None:
        self.other = self.running.lab.peer_of(self.asked)
        self.old = text_of(self.asked)
        assert text_of(self.other) == self.old != self.new

    def begin(self) -> None:
        """Ask, and return once it stands there."""
        first, then = {
            "not offered": (Held(self.asked, "offer"), None),
            "offered": (Held(self.other, "done"), None),
            "decided": (Held(self.asked, "commit"), None),
            "carried out": (Held(self.asked, "commit"), Held(self.other, "done")),
        }[self.step]
        self.held = first.begin()
        self.connection = self.asked.ask("cluster.apply", text=self.new)
        first.await_one()
        if then is not None:
            self.held = then.begin()
            first.let_go()
            then.await_one()
        # The frame that is held may be an earlier one of its kind, sent again: the one of this step is held then too.
        wait_for(lambda: self._stands() == STEPS[self.step], SOON_S, f"the change to be {self.step}")

    def _stands(self) -> tuple[bool, ...]:
        return (*self.have_new(), self.other.read_file(OFFERED) is not None)

    def have_new(self) -> tuple[bool, bool]:
        """Whether the asked and the other server have the new text; anything but one of the two is a mixture."""
        texts = text_of(self.asked), text_of(self.other)
        assert set(texts) <= {self.old, self.new}, texts
        return texts[0] == self.new, texts[1] == self.new

    def told(self) -> str:
        """What the operator was told in the end: applied, refused, or nothing."""
        self.connection.settimeout(NOTICED_S)
        with self.connection, self.connection.makefile() as lines:
            try:
                answer = next((json.loads(line) for line in lines if '"id"' in line), None)
            except ConnectionResetError:
                answer = None
        return "nothing" if answer is None else "applied" if answer["ok"] else "refused"


def text_of(server: Server) -> str:
    """The active text of a server, with or without power, without the line of its lineage."""
    return lineage.body(server.read_file(ACTIVE) or "")


@dataclass
class Load:
    """A writer on whichever server runs the group."""

    running: Pair

    def __post_init__(self) -> None:
        self.scribe = self.running.write()

    def went_over(self, server: Server) -> None:
        """The group fails over to a server: all that was acknowledged is there, and the writing goes on."""
        self.running.await_active_on(server)
        self.scribe.verify(server)
        self.scribe = self.running.write()


# A fault strikes when the change stands at its step; what it returns puts things right again.
Mend = Callable[[], None]
Fault = Callable[[Change, Load], Mend]


def kill(program: str, role: str) -> Fault:
    """kill -9 of a program on the asked or the other server; PID 1 or twinsetd starts it again."""

    def strike(change: Change, _: Load) -> Mend:
        server: Server = getattr(change, role)
        dead = server.kill_program(program)
        return lambda: wait_for(  # type: ignore[return-value]
            lambda: set(server.pids_of(program)) - set(dead) and server.status(), SOON_S, f"a new {program}"
        )

    return strike


def power(role: str) -> Fault:
    """A server loses its power, and gets it back after it was missed."""

    def strike(change: Change, load: Load) -> Mend:
        running, server = change.running, getattr(change, role)
        survivor = running.lab.peer_of(server)
        failover = running.active is server
        running.lab.power_off(server)

        def mend() -> None:
            if failover:
                load.went_over(survivor)
            pair.await_server(survivor, server.name, "Xd", LATE_S)
            running.lab.power_on(server)
            running.give_back(server)

        return mend

    return strike


def connection_breaks(change: Change, _: Load) -> Mend:
    """Every connection between the daemons ends at once, on both servers."""
    for server in change.running.lab.servers:
        server.run(["ss", "-K", "dport", "=", "24002", "or", "sport", "=", "24002"])
    return lambda: None


def lan_is_cut(change: Change, _: Load) -> Mend:
    """The servers hear each other no more on the LAN of the exchange; the other LANs carry heartbeats."""
    lab = change.running.lab
    lab.separate("public")
    return lambda: lab.join("public")


FAULTS = {
    "twinsetd": [kill("twinsetd", "asked"), kill("twinsetd", "other")],
    "twinset-mirrord": [kill("twinset-mirrord", "asked"), kill("twinset-mirrord", "other")],
    "power of the asked server": [power("asked")],
    "power of the other server": [power("other")],
    "links": [connection_breaks, lan_is_cut],
}


@pytest.mark.parametrize("kind", FAULTS)
def test_an_interrupted_apply_leaves_one_text_on_both_servers(running: Pair, kind: str) -> None:
    """Each server has the old text or the new one whole, and both end with one: the new one exactly when it was
    decided, and never another one than the operator was told. The group runs, and no acknowledged write is lost.
    """
    load = Load(running)
    steps = [(step, fault) for step in STEPS for fault in FAULTS[kind]]
    for number, (step, fault) in enumerate(steps):
        asked = running.active if number % 4 in (0, 3) else running.standby
        new = pair.configuration(running.lab, timing={"script_timeout_s": 600 + number})
        change = Change(running, asked, step, new)
        running.lab.artefacts.note(f"{kind} while a change asked of {asked.name} is {step}")
        change.begin()
        mend = fault(change, load)
        decided, _ = change.have_new()
        change.held.let_go()
        told = change.told()
        if told != "nothing":  # the asked server went on
            decided = told == "applied"
            assert change.have_new()[0] is decided
        mend()
        await_one_text(running, new if decided else change.old)
        running.await_normal()
        load.scribe.await_more(20)
    load.scribe.stop()
    load.scribe.verify(running.active)
    running.stop_and_compare()


def await_one_text(running: Pair, text: str) -> None:
    """Both servers use the same generation, which is this text, and nothing that was offered is left."""

    def holds() -> bool:
        found = [(server.status() or {}).get("configuration", {}) for server in running.lab.servers]
        agreed = all(each and not each["differs"] and not each["waits"] for each in found)
        undecided = any(server.read_file(OFFERED) is not None for server in running.lab.servers)
        return agreed and found[0]["generation"] == found[1]["generation"] and not undecided

    wait_for(holds, LATE_S, "one configuration on both servers", poll_s=0.1)
    assert [text_of(server) for server in running.lab.servers] == [text, text]
