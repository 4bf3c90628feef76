"""The table of outcomes of impl/docs/partition.md: a pair for each option, one situation after the other."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from harness import topology
from harness.labs import pair
from harness.labs.running import LATE_S, Pair
from harness.labs.server import Server
from harness.wait import wait_for

TABLE: dict[str, Any] = tomllib.loads(Path(__file__).with_name("outcomes.toml").read_text())
ROUTER = "10.0.1.254"
HOOK = "/etc/twinset/scripts/fence"
# The power switch is played by the test: it is asked by a file, and confirms by one.
FENCE = """#!/bin/sh
cd /var/lib/twinset
[ ! -e fence-broken ] || exit 1
rm -f fence-done
echo "$TWINSET_FENCE" > fence-asked
while [ ! -e fence-done ]; do sleep 0.1; done
rm -f fence-asked
"""
OPTIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "preferred": {"preferred_survivor": "server1"},
    "ping": {"ping_targets": [ROUTER]},
    "fence": {"fence": HOOK},
}


WITHOUT_DISK = "web"
WEB = f"""[[group]]
name = "{WITHOUT_DISK}"
policy = ["server1", "server2"]
[[group.floating_ip]]
address = "10.0.1.121"
"""


class Story:
    """One pair, with the situations that come over it and the ways back to normal."""

    def __init__(self, running: Pair, *, fences: bool) -> None:
        self.running = running
        self.fences = fences
        self.lab = running.lab
        self.a, self.b = running.lab.servers
        self.seen = {server.name: 0 for server in self.lab.servers}

    # -- situations

    def one_network(self) -> None:
        self.lab.cut("ic2")
        self.await_event(self.a, "interconnect_lost")

    def short_cut(self) -> None:
        self.apart()
        for server in (self.a, self.b):
            self.await_event(server, "heartbeat_lost")
        self.heal()

    def power_cut(self) -> None:
        self.lab.power_off(self.a)
        self.serve_power_switch()

    def broken_hook(self) -> None:
        (self.b.state_directory / "fence-broken").touch()
        self.lab.power_off(self.a)

    def a_without_public(self) -> None:
        self.lab.cut("ic1")
        self.lab.cut("ic2")
        self.lab.cut("public", [self.a])

    def both_reach_router(self) -> None:
        self.apart()

    def router_dead(self) -> None:
        self.lab.power_off(self.lab.host("gw"))
        self.apart()

    def apart(self) -> None:
        """No path between the servers; each reaches everything else on the public LAN."""
        self.lab.cut("ic1")
        self.lab.cut("ic2")
        self.lab.separate("public")

    def heal(self) -> None:
        self.lab.heal()
        self.lab.join("public")

    # -- outcomes: each is seen, then everything is as before

    def stays(self) -> None:
        self.heal()
        self.running.await_normal()
        assert self.running.active is self.a
        assert not {"server_down", "group_fails_over", "in_doubt", "fencing"} & self.told(self.a, self.b)

    def takes_over(self) -> None:
        self.running.await_active_on(self.b)
        self.await_event(self.b, "server_down")
        self.lab.power_on(self.a)
        self.home()

    def both_stop(self) -> None:
        self.both_run()
        self.heal()
        for server in (self.a, self.b):
            pair.await_group(server, "inactive", LATE_S)
        self.resolve()
        pair.insist(self.a, "group.start", LATE_S, group=pair.GROUP, server=self.a.name)
        self.running.await_active_on(self.a)

    def a_keeps(self) -> None:
        self.both_run()
        self.heal()
        for server in (self.a, self.b):
            self.await_event(server, "double_activation")
        for server in (self.a, self.b):
            pair.await_group(server, "inactive", LATE_S)
            pair.await_group(server, "active", LATE_S, on=self.a.name, group=WITHOUT_DISK)
        self.running.await_one_active()
        assert not {"group_fails_over"} & set(names_after(self.a, "partition_healed"))
        self.resolve()
        pair.insist(self.a, "group.start", LATE_S, group=pair.GROUP, server=self.a.name)
        self.running.await_active_on(self.a)

    def a_gives_up(self) -> None:
        self.running.await_active_on(self.b)
        pair.await_server(self.a, self.a.name, "Od", LATE_S)
        self.await_event(self.a, "in_doubt")
        self.running.await_one_active()
        self.heal()
        self.home()

    def service_stops(self) -> None:
        for server in (self.a, self.b):
            pair.await_server(server, server.name, "Od", LATE_S)
            assert "in_doubt" in self.told(server)
        assert not {"server_down", "group_fails_over"} & self.told(self.a, self.b)
        self.lab.power_on(self.lab.host("gw"))
        self.heal()
        pair.await_server(self.a, self.b.name, "Od", LATE_S)
        pair.insist(self.a, "cluster.start", LATE_S)
        self.running.await_normal()
        self.running.await_active_on(self.a)

    def one_fenced(self) -> None:
        self.serve_power_switch()
        (survivor,) = [server for server in (self.a, self.b) if server.powered]
        lost = self.lab.peer_of(survivor)
        self.running.await_active_on(survivor)
        self.await_event(survivor, "fenced")
        self.heal()
        (lost.state_directory / "fence-asked").unlink(missing_ok=True)
        self.lab.power_on(lost)
        self.home(lost)

    def waits(self) -> None:
        wait_for(lambda: self.count(self.b, "fencing_failed") >= 2, LATE_S, "the hook to be tried again")
        assert not {"server_down", "group_fails_over"} & self.told(self.b)
        (self.b.state_directory / "fence-broken").unlink()
        self.serve_power_switch()
        self.takes_over()

    # -- what they share

    def both_run(self) -> None:
        for server in (self.a, self.b):
            self.running.await_active_on(server)
            self.await_event(server, "server_down")

    def resolve(self) -> None:
        for server in (self.a, self.b):
            pair.await_set(server, "DIVERGED", LATE_S)
        pair.insist(self.b, "mirror.resolve", LATE_S, set=pair.SET, keep=self.a.name)
        self.running.await_normal()

    def home(self, lost: Server | None = None) -> None:
        """The lost server returns, the group is on A."""
        self.running.give_back(lost or self.a)
        for group, found in (self.a.status() or {})["groups"].items():
            if found["server"] != self.a.name:
                pair.insist(self.a, "group.move", LATE_S, group=group, server=self.a.name)
                pair.await_group(self.a, "active", LATE_S, on=self.a.name, group=group)

    def serve_power_switch(self) -> None:
        """Switch off whom the first asks for, and confirm it; nothing where nobody fences."""
        if not self.fences:
            return
        asked: list[Server] = []

        def somebody_asks() -> bool:
            asked[:] = [each for each in self.lab.servers if each.powered and self.asks(each)]
            return bool(asked)

        wait_for(somebody_asks, LATE_S, "a hook to ask for the other server's end")
        asker = asked[0]
        other = self.lab.peer_of(asker)
        assert (asker.state_directory / "fence-asked").read_text().strip() == other.name
        if other.powered:
            self.lab.power_off(other)
        (asker.state_directory / "fence-done").touch()

    def asks(self, server: Server) -> bool:
        return (server.state_directory / "fence-asked").exists()

    def begin(self) -> None:
        """Only what is told from now on counts."""
        self.seen = {server.name: len(server.events()) for server in self.lab.servers}

    def told(self, *servers: Server) -> set[str]:
        return {event["event"] for server in servers for event in server.events()[self.seen[server.name] :]}

    def count(self, server: Server, name: str) -> int:
        return [event["event"] for event in server.events()[self.seen[server.name] :]].count(name)

    def await_event(self, server: Server, name: str) -> None:
        wait_for(lambda: name in self.told(server), LATE_S, f"{server.name} to tell {name}")


def names_after(server: Server, event: str) -> list[str]:
    """What a server has told since it told this last."""
    names = [each["event"] for each in server.events()]
    return names[len(names) - names[::-1].index(event) :]


def made(option: str) -> dict[str, Any]:
    return {
        "lab": {"topology": topology.routed()},
        "install": {"fence": FENCE},
        "cluster": OPTIONS[option],
        "more": WEB,
    }


@pytest.mark.parametrize(
    ("option", "running"), [(each, made(each)) for each in OPTIONS], indirect=["running"], ids=list(OPTIONS)
)
def test_what_comes_of_silence(option: str, running: Pair) -> None:
    """Each situation has the outcome that the table names, and an operator's way back to a normal pair (4.2.3-01)."""
    story = Story(running, fences=option == "fence")
    walked = 0
    for row in TABLE["row"]:
        if not row[option]:
            continue
        story.begin()
        running.lab.artefacts.note(f"{option}: {row['what']}")
        getattr(story, row["situation"])()
        getattr(story, row[option])()
        walked += 1
    assert walked >= 6
    running.stop_and_compare()
