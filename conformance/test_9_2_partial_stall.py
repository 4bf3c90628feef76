"""9.2: ARMWHSR, which watches a share of a server that still answers."""

import time

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.commands import Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.smb import Shared
from conformance.suite.static import Static
from conformance.suite.wait import stays, wait_for

commands = pytest.mark.cluster("commands")
WATCHER, WATCHED = "server1", "server2"
LOST_S = 60.0


@clause("9.2-04", "9.2-06")
def test_a_group_for_each_server_that_stays_there(static: Static) -> None:
    """Two groups with a script, each with one server in its policy, are accepted."""
    static.accepts("9.2-04", "one group a server", _watching())
    static.accepts("9.2-06", "one server a policy", _watching())


@clause("9.2-06")
def test_a_group_that_stays_has_a_server(static: Static) -> None:
    """With no server at all in its policy the group is refused with E_RANGE."""
    config = _watching()
    config["groups"][-1]["policy"] = []
    static.refuses("9.2-06", "no server", config, "E_RANGE")


def _watching() -> make.Config:
    """A group for each server, which only that one may run."""
    config = make.good()
    for server in make.SERVERS:
        config["groups"].append(make.group(f"watch-{server}", make.script(), policy=(server,)))
    return config


@pytest.mark.needs("script_commands")
@commands
@clause("9.2-16")
@pytest.mark.parametrize("words", [(), ("\\\\server2\\share2",)], ids=["nothing", "no address"])
def test_a_share_and_an_address_are_needed(pair: Pair, judge: Judge, words: tuple[str, ...]) -> None:
    """Without them it does not run."""
    ran = Commands(pair, WATCHER).run("ARMWHSR", *words)
    judge.holds("9.2-16", "refused", ran.returncode != 0, ran)


@pytest.mark.needs("script_commands")
@commands
@clause("9.2-01", "9.2-02", "9.2-16")
def test_a_file_service_that_stalls_is_found_and_told_once(pair: Pair, judge: Judge) -> None:
    """While the share answers nothing is told, although its server's name means nothing to the watcher; when the file
    service stands still and the server does not, one entry names the share; when it goes on, none says so again.
    """
    with Shared(pair, WATCHED, "share2") as shared:
        before = pair.events_now()
        share = "\\\\NO-SUCH-NAME\\share2"

        def told() -> list[str]:
            found = (event for event in pair.events(before) if event["kind"] == "share_inaccessible")
            return [str(event["fields"]) for event in found if event["server"] == WATCHER]

        argv = ["ARMWHSR", share, pair.see.fixed[WATCHED], "/T", "1", "/N", "2"]
        with shared.watched_by(WATCHER, argv):
            shared.await_client()
            judge.equal("9.2-16", "told while it is accessible", expected=[], observed=told())
            shared.stall()
            begun = time.monotonic()
            found = wait_for(told, bool, LOST_S, "the stall to be told")
            # It takes two looks until it is told, so as much time again is time for another one.
            found = stays(told, lambda seen: len(seen) == 1, time.monotonic() - begun)
            judge.holds("9.2-01", "the stall is found", bool(found), found)
            judge.holds("9.2-02", "the entry names the share", "share2" in found[0], found)
            shared.go_on()
            shared.await_client()
            judge.equal("9.2-02", "entries in all", expected=1, observed=max(len(found), len(told())))
