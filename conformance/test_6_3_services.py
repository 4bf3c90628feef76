"""6.3: a service that ARMLOAD watches."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.commands import GROUP, Commands
from conformance.suite.errors import AdapterError
from conformance.suite.judge import Judge
from conformance.suite.pair import SERVERS, Pair

ONE, TWO = SERVERS
SERVICE = "conformance"


def on_service(pair: Pair, server: str, what: str, *words: str) -> str:
    """Define a service on a server, or ask for its pid, by the commands that the adapter named."""
    argv = [*pair.provisioned["services"][what], SERVICE, *words]
    ran = pair.see.run(server, argv, timeout_s=60)
    if ran.returncode:
        raise AdapterError(f"{argv} on {server}: {ran.stderr.strip()}")
    return ran.stdout.strip()


@pytest.mark.needs("script_commands", "services")
@pytest.mark.cluster("commands")
@clause("6.3-10")
def test_a_service_that_is_stopped_or_ends_abnormally_is_a_fault(pair: Pair, judge: Judge) -> None:
    """Killed on server 1, the service is lost and its group fails over; stopped in order on server 2, likewise. While
    it runs nothing happens.
    """
    folder = pair.see.scratch
    program = f"rm -f {folder}/end; while [ ! -e {folder}/end ]; do sleep 0.1; done"
    for server in SERVERS:
        on_service(pair, server, "define", "sh", "-c", program)
        Commands(pair, server).at_start(f"ARMLOAD W1 /S /R 0 /FOV {SERVICE}")
    with pair.spoiled_on_error():
        pair.operate("group.start", group=GROUP)
        pair.wait_place(GROUP, ONE)
        pid = int(on_service(pair, ONE, "pid"))
        judge.holds("6.3-10", "the service runs", Commands(pair, ONE).lives(pid), pid)
        stayed = pair.settle(lambda s: s.place(GROUP) == ONE)
        judge.equal("6.3-10", "while it runs", expected=ONE, observed=stayed.place(GROUP))
        Commands(pair, ONE).kill(pid)
        moved = pair.wait_place(GROUP, TWO)
        judge.equal("6.3-10", "ended abnormally", expected=TWO, observed=moved.place(GROUP))
        Commands(pair, TWO).shell(f"touch {folder}/end")
        moved = pair.wait_place(GROUP, ONE)
        judge.equal("6.3-10", "stopped", expected=ONE, observed=moved.place(GROUP))
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
