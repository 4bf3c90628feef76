"""6.1: the kinds of resources."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.clusters import PRINT_GROUP, PRINTER_PORT, QUEUE, printer_address
from conformance.suite.judge import Judge
from conformance.suite.moved import AWAY, HOME, moved
from conformance.suite.pair import DEADLINE_S, Pair
from conformance.suite.wait import wait_for

TEXT = "printed through a failover"
# A printer: it prints what comes, connection after connection.
PRINTER = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as printer:
    while True:
        connection, _ = printer.accept()
        with connection:
            while data := connection.recv(4096):
                print(data.decode(), end="", flush=True)
"""


@pytest.mark.cluster("copies")
@clause("6.1-02", "6.1-03")
def test_a_disk_and_an_address_are_resources(pair: Pair, judge: Judge) -> None:
    """The partition is mounted and the address answers where the group is active, on either server, and only there."""
    seen = moved(pair)
    for look, server, other in ((seen.before, HOME, AWAY), (seen.after, AWAY, HOME)):
        expected = {server: True, other: False}
        judge.equal("6.1-02", f"active on {server}: mounted", expected=expected, observed=look.mounted)
        judge.equal("6.1-03", f"active on {server}: who answers", expected=server, observed=look.owner)


@pytest.mark.needs("printers")
@pytest.mark.cluster("printing")
@clause("6.1-06")
def test_a_job_is_printed_after_its_server_was_lost(pair: Pair, judge: Judge) -> None:
    """A client's job waits in the queue, since the printer is off, when the server loses its power; the client finds it
    at the same address, and what the printer gets once it is on is what was printed.
    """
    see, provisioned = pair.see, pair.provisioned
    for program in ("lp", "lpstat", "python3"):
        see.need("client", program)
    address, printer = str(provisioned["floating_ips"][0]), printer_address(provisioned)
    scheduler = ["-h", address]
    with pair.spoiled_on_error():
        pair.operate("group.start", group=PRINT_GROUP)
        pair.wait_place(PRINT_GROUP, HOME)
        say = ["sh", "-c", 'printf %s "$1" | lp "$2" "$3" -d "$4"', "sh", TEXT, *scheduler, QUEUE]
        printed = see.run("client", say, timeout_s=60)
        judge.equal("6.1-06", "the job is accepted", expected=0, observed=printed.returncode)
        see.run(HOME, ["sync"])  # a print scheduler does not promise more
        pair.crash(HOME)
        pair.wait(lambda s: s.place(PRINT_GROUP) == AWAY, "the group to fail over", seen_by=AWAY)
        waiting = see.run("client", ["lpstat", *scheduler, "-o", QUEUE], timeout_s=60)
        judge.holds("6.1-06", "the job waits", f"{QUEUE}-1 " in waiting.stdout, waiting)
        see.run("client", ["ip", "address", "add", f"{printer}/24", "dev", see.client_interface])
        argv = ["python3", "-c", PRINTER, printer, str(PRINTER_PORT)]
        job = pair.adapter.request("run", {"host": "client", "argv": argv, "background": True})["job"]
        try:
            paper = wait_for(
                lambda: str(pair.adapter.request("job", {"job": job, "action": "read"})["stdout"]),
                lambda text: len(text) >= len(TEXT),
                DEADLINE_S,
                "the job to be printed",
            )
        finally:
            pair.adapter.request("job", {"job": job, "action": "stop"})
            see.run("client", ["ip", "address", "delete", f"{printer}/24", "dev", see.client_interface])
        judge.equal("6.1-06", "printed", expected=TEXT, observed=paper)
    pair.spoil()
