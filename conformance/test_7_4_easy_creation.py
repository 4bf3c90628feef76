"""7.4: scripts that are created easily: file sharing comes with the product, other kinds with options of their own."""

import shlex

import pytest

from conformance.suite.adapter import shaped
from conformance.suite.cases import clause
from conformance.suite.clusters import CLIENTS_GROUP
from conformance.suite.commands import Commands
from conformance.suite.errors import Refused, Unsupported
from conformance.suite.judge import Judge
from conformance.suite.pair import DEADLINE_S, SERVERS, Pair
from conformance.suite.wait import wait_for

ONE, TWO = SERVERS
SHARE, FILE = "docs", "whose"
OTHER_KINDS = ("database", "web", "print")
# A share's guest enters as nobody; the folder may lie in what is closed to him.
ENTER = 'at=$0; while [ "$at" != / ]; do chmod a+x "$at"; at=$(dirname "$at"); done'


def read_share(pair: Pair, address: str) -> str:
    """What a client finds in the file of the share at the group's address; empty when it cannot be had."""
    command = f"get {FILE} -"
    argv = ["smbclient", f"//{address}/{SHARE}", "--no-pass", "--command", command]
    return next((server for server in SERVERS if server in pair.see.run("client", argv).stdout), "")


@pytest.mark.needs("easy_creation")
@pytest.mark.cluster("shared")
@clause("7.4-06")
def test_scripts_for_file_sharing_come_with_the_product(pair: Pair, judge: Judge) -> None:
    """With the scripts that the port makes a client has the share at the group's address, on either server, and no more
    when the group has stopped. Scripts of another kind are made, or refused for want of their option.
    """
    for host, program in (("client", "smbclient"), *((server, "smbd") for server in SERVERS)):
        pair.see.need(host, program)
    address, folder = str(pair.provisioned["floating_ips"][0]), f"{pair.see.scratch}/shared"
    where = {"group": CLIENTS_GROUP, "share": SHARE, "path": folder, "address": address}
    made = pair.adapter.request("easy_scripts", {"kind": "file_sharing", **where})
    scripts = shaped("easy_scripts", made, start=str, stop=str)
    for server in SERVERS:
        here = Commands(pair, server)
        here.shell(f"mkdir -p {folder}; echo {server} > {folder}/{FILE}; sh -c {shlex.quote(ENTER)} {folder}")
        for part in ("start", "stop"):
            here.shell(f"printf %s {shlex.quote(scripts[part])} > {pair.see.scratch}/at-{part}")
    with pair.spoiled_on_error():
        pair.operate("group.start", group=CLIENTS_GROUP)
        for server in SERVERS:
            if server != ONE:
                pair.operate("group.move", group=CLIENTS_GROUP, to=server)
            pair.wait_place(CLIENTS_GROUP, server)
            found = wait_for(lambda: read_share(pair, address), bool, DEADLINE_S, f"the share on {server}")
            judge.equal("7.4-06", f"whose file the client has, on {server}", expected=server, observed=found)
        pair.operate("group.stop", group=CLIENTS_GROUP)
        pair.wait_place(CLIENTS_GROUP, None)
        judge.equal("7.4-06", "with the group stopped", expected="", observed=read_share(pair, address))
        for server in SERVERS:
            Commands(pair, server).shell(f"rm -f {pair.see.scratch}/at-start {pair.see.scratch}/at-stop")
    for kind in OTHER_KINDS:
        try:
            said = sorted(pair.adapter.request("easy_scripts", {"kind": kind, **where}))
        except (Refused, Unsupported) as refused:
            said = [refused.code]
        known = said in (["start", "stop"], ["E_UNSUPPORTED"], [""])
        judge.holds("7.4-06", f"{kind}: made, or its option is not here", known, said)
