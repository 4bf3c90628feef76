"""Measures a round trip between the two servers, on the first mirror connect."""

import json
import sys

from harness.run import kill_group
from harness.topology import MIRROR
from harness.wait import wait_for
from perf.figures import fio_output
from perf.figures.fio_output import Figures
from perf.shell.pair import Pair

PORT = 10811
MODULE = [sys.executable, "-m", "perf.peers.echo"]
READY_S, END_S = 30.0, 60.0


def measure(pair: Pair, seconds: float) -> Figures:
    """Round trips one after the other, from the active server to the other one and back."""
    pair.to_normal()
    lan = next(lan for lan in pair.lab.topology.lans if MIRROR in lan.roles)
    address = lan.addresses[pair.standby.name].partition("/")[0]
    server = pair.standby.popen([*MODULE, "serve", address, str(PORT)], stdout=None, stderr=None)
    try:
        listening = ["ss", "--no-header", "--listening", "--tcp", "--numeric", f"sport = :{PORT}"]
        wait_for(lambda: bool(pair.standby.run(listening).stdout), READY_S, "the other server to listen")
        asked = pair.active.run(
            [*MODULE, "ask", address, str(PORT), f"{seconds:g}"], timeout_s=seconds + END_S
        )
        return fio_output.of_latencies(json.loads(asked.stdout))
    finally:
        kill_group(server)
