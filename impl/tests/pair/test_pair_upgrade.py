"""Rolling upgrade from an older release, as impl/docs/upgrading.md has it: nothing fails over, nothing is lost."""

import json
from typing import Any

import pytest

from harness.labs import pair, releases
from harness.labs.host import PROGRAMS
from harness.labs.namespaces import TWINSETD
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.scribe import Scribe
from harness.labs.server import Server
from harness.wait import wait_for

from .services import SERVICE


def begins_with(commit: str) -> Any:
    """A pair whose servers begin with the release of a commit."""
    why_not = releases.reason_to_skip(commit)
    skip = pytest.mark.skipif(bool(why_not), reason=why_not)
    return pytest.param(commit, {**SERVICE, "lab": {"release": commit}}, marks=skip, id=commit)


def names(server: Server) -> list[str]:
    return [event["event"] for event in server.events()]


def fields(server: Server, name: str) -> list[dict[str, Any]]:
    return [event["fields"] for event in server.events() if event["event"] == name]


def verdict(server: Server) -> tuple[bool, list[str]]:
    """What `twinset upgrade check` says: whether now, and the commands that lead there."""
    result = server.twinset_result("upgrade", "check")
    found = json.loads(result.stdout)
    assert result.ok == found["ok"] == (not found["obstacles"])
    return found["ok"], [each["help"] for each in found["obstacles"]]


def upgrade(running: Pair, server: Server, *, reboot: bool = False) -> None:
    """Steps 3 to 6 of the page, for a server that runs no group; with a reboot, as for a new kernel."""
    lab = running.lab
    other = lab.peer_of(server)
    other.api("server.isolate", LATE_S, server=server.name)
    pair.await_server(other, server.name, "Od", LATE_S)
    if reboot:
        lab.power_off(server)
        server.programs = PROGRAMS
        lab.power_on(server)
    else:
        server.install(PROGRAMS, TWINSETD)
    pair.await_server(server, server.name, "Od", LATE_S)
    pair.insist(other, "server.return", LATE_S, server=server.name)
    running.await_normal()
    assert other.status_of_set(pair.SET)["copy_mode_last"] == "high-speed"


def move(running: Pair, scribe: Scribe, to: Server) -> Scribe:
    """The group goes there with all that was acknowledged, and is written to there."""
    scribe.await_more(50)
    pair.insist(to, "group.move", LATE_S, group=pair.GROUP, server=to.name)
    running.await_active_on(to)
    scribe.await_end()
    scribe.verify(to)
    found = running.write()
    found.await_more(50)
    return found


@pytest.mark.parametrize(
    ("commit", "running"),
    [begins_with(releases.FIRST), begins_with(releases.PREVIOUS)],
    indirect=["running"],
)
def test_one_server_after_the_other_is_upgraded_under_a_writing_load(commit: str, running: Pair) -> None:
    """Both releases work side by side, what only the newer one can do waits for the other server, and no group fails
    over, no server counts as down, no acknowledged write is lost (AUX-01, AUX-02).
    """
    one, two = running.lab.servers
    old, new = releases.said_by(releases.programs_of(commit)), releases.said_by(PROGRAMS)
    waits = sorted({*old.get("features", ())} ^ {*new["features"]})
    scribe = running.write()
    scribe.await_more(100)

    upgrade(running, two)
    scribe.await_more(100)
    assert [each["waits"] for each in fields(two, "versions_differ")] == ([waits] if old != new else [])
    assert (two.status() or {})["programs"]["differ"] == (old != new)
    assert verdict(two) == (False, [f"twinset server isolate {two.name}"])
    scribe = move(running, scribe, two)
    assert verdict(two) == (
        False,
        [f"twinset group move {pair.GROUP} {one.name}", f"twinset server isolate {two.name}"],
    )

    upgrade(running, one, reboot=True)
    scribe.await_more(100)
    wait_for(lambda: not (two.status() or {})["programs"]["differ"], SOON_S, "both to have one release")
    assert ("versions_equal" in names(two)) == (old != new)
    scribe = move(running, scribe, one)

    # What waited works now: server2 says why it leaves.
    two.api("server.isolate", LATE_S, server=two.name)
    wait_for(lambda: fields(one, "server_left"), SOON_S, "server1 to be told")
    assert "isolated" in fields(one, "server_left")[-1]["reason"]
    assert verdict(two) == (True, [])
    pair.insist(one, "server.return", LATE_S, server=two.name)
    running.await_normal()
    scribe.await_more(50)
    scribe.stop()
    scribe.verify(one)
    for server in (one, two):
        trouble = {
            "group_fails_over",
            "declared_down",
            "message_refused",
            "internal_error",
            "full_copy",
            "heartbeat_lost",
        }
        since = names(server)
        assert not trouble & set(since[since.index("mirror_normal") :]), server.name
    running.stop_and_compare()
