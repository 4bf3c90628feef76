"""9.2: the sample in which two servers watch each other's shares."""

import shlex

import pytest

from conformance.suite.cases import clause
from conformance.suite.clusters import account_of
from conformance.suite.commands import Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import DEADLINE_S, SERVERS, Pair
from conformance.suite.smb import Shared
from conformance.suite.wait import wait_for

pytestmark = [pytest.mark.needs("script_commands"), pytest.mark.cluster("stall")]
ONE, TWO = SERVERS
# By server: its group, the watch ID, whose share it watches, and the share (9.2-10, 9.2-12).
WATCHES = {ONE: ("watch1", "W1", TWO, "share2"), TWO: ("watch2", "W2", ONE, "share1")}
START = """mark() { echo "$ARMS_EVENT $1" >> @marks@; }
EXIT() { mark EXIT; exit; }
NORMAL() { mark NORMAL; ARMLOAD @watch@ /U @user@ ARMWHSR @share@ @address@ /T 1 /N 2; EXIT; }
[ "$ARMS_EVENT" != START ] || NORMAL
EXIT
"""
LOST_S = 60.0


def interconnect(pair: Pair, server: str) -> str:
    """A server's address on an interconnect that is no public LAN, as in the sample."""
    lan = next(
        n
        for n in pair.provisioned["networks"]
        if set(n["roles"]) & {"interconnect"} and "public" not in n["roles"]
    )
    return str(lan["addresses"][server]).partition("/")[0]


def put_sample(pair: Pair) -> None:
    """Put the sample's start and stop script beside those of the groups."""
    for server, (_, watch, other, share) in WATCHES.items():
        here = Commands(pair, server)
        words = {
            "marks": f"{pair.see.scratch}/marks", "watch": watch, "user": account_of(pair.provisioned),
            "share": f"'\\\\{other}\\{share}'", "address": interconnect(pair, other),
        }  # fmt: skip
        text = START
        for name, word in words.items():
            text = text.replace(f"@{name}@", word)
        here.shell(f"printf %s {shlex.quote(text)} > {pair.see.scratch}/at-start; rm -f {words['marks']}")
        here.at_stop(f"ARMKILL {watch}; exit")


def marks(pair: Pair, server: str) -> list[str]:
    """The labels that the start script has come by, with the occasion."""
    return Commands(pair, server).shell(f"cat {pair.see.scratch}/marks || true").stdout.splitlines()


def told(pair: Pair, since: int, share: str) -> list[str]:
    """The entries about a share, which only the other server watches; either log may have them."""
    found = (event for event in pair.events(since) if event["kind"] == "share_inaccessible")
    return [str(event["fields"]) for event in found if share in str(event["fields"])]


@clause("9.2-09", "9.2-17")
def test_two_servers_watch_each_other(pair: Pair, judge: Judge) -> None:
    """When the file service of either stalls, the other one tells it; with its group stopped a server watches no more,
    for the stop script has ended the watch.
    """
    put_sample(pair)
    with pair.spoiled_on_error(), Shared(pair, ONE, "share1") as first, Shared(pair, TWO, "share2") as second:
        for server, (group, *_) in WATCHES.items():
            pair.operate("group.start", group=group)
            pair.wait_place(group, server)
        since = pair.events_now()
        second.stall()
        found = wait_for(lambda: told(pair, since, "share2"), bool, LOST_S, "server 1 to tell the stall")
        judge.holds("9.2-09", "server 1 tells of share2", bool(found), found)
        second.go_on()
        pair.operate("group.stop", group="watch1")
        pair.wait_place("watch1", None)
        again = Commands(pair, ONE).run("ARMKILL", "W1")
        judge.holds("9.2-17", "nothing is left to be ended", again.returncode != 0, again)
        since = pair.events_now()
        second.stall()
        first.stall()
        found = wait_for(lambda: told(pair, since, "share1"), bool, LOST_S, "server 2 to tell the stall")
        judge.holds("9.2-09", "server 2 tells of share1", bool(found), found)
        judge.equal("9.2-17", "server 1 says meanwhile", expected=[], observed=told(pair, since, "share2"))


@pytest.mark.spoils
@clause("9.2-13", "9.2-14")
def test_only_a_start_loads_the_watch(pair: Pair, judge: Judge) -> None:
    """On START the script comes by NORMAL and the watch is loaded; on the return of its server it is run with RECOVER,
    comes by EXIT alone, and loads nothing.
    """
    put_sample(pair)
    group, watch, *_ = WATCHES[ONE]
    with pair.spoiled_on_error():
        pair.operate("group.start", group=group)
        pair.wait_place(group, ONE)
        judge.equal("9.2-14", "on START", expected=["START NORMAL", "START EXIT"], observed=marks(pair, ONE))
        ended = Commands(pair, ONE).run("ARMKILL", watch)
        judge.equal("9.2-13", "loaded: ARMKILL ends it", expected=0, observed=ended.returncode)
        pair.crash(ONE)
        pair.wait(lambda s: s.servers.get(ONE) == "Xd", "server 1 to be lost", seen_by=TWO)
        pair.power_on(ONE)
        pair.wait(lambda s: s.servers.get(ONE) == "Od", "server 1 to be Od", seen_by=TWO)
        pair.operate("server.return", server=ONE)
        recovered = wait_for(
            lambda: [line for line in marks(pair, ONE) if line.startswith("RECOVER")],
            lambda lines: "RECOVER EXIT" in lines, DEADLINE_S, "the script to be run with RECOVER",
        )  # fmt: skip
        judge.equal("9.2-14", "on RECOVER", expected=["RECOVER EXIT"], observed=recovered)
        pair.wait(lambda s: set(s.servers.values()) == {"O"}, "both servers to be O", seen_by=TWO)
        idle = Commands(pair, ONE).run("ARMKILL", watch)
        judge.holds("9.2-13", "not loaded by RECOVER", idle.returncode != 0, idle)
    pair.spoil()
