"""Two servers without a common key are joined as a person does it: a command on each, two fingerprints, two answers."""

from collections.abc import Callable
from pathlib import Path

from harness.errors import HarnessError
from harness.labs.server import Server
from harness.run import PIPE, Process
from harness.wait import wait_for

SHOWN_S = 60.0


def by_hand(
    inviting: Server, offering: Server, address: str, *, before_the_answers: Callable[[], None] = lambda: None
) -> str:
    """Join them; return the fingerprint that both have shown. HarnessError when they differ or a command fails."""
    logs = {server.name: server.directory / "log" / "join.log" for server in (inviting, offering)}
    processes = [_begin(offering, logs[offering.name], "--offer")]
    wait_for(
        lambda: "waits on port" in logs[offering.name].read_text(), SHOWN_S, "the offering server to wait"
    )
    processes.append(_begin(inviting, logs[inviting.name], address))
    wait_for(lambda: all(_shown(log) for log in logs.values()), SHOWN_S, "both fingerprints")
    fingerprints = {_shown(log) for log in logs.values()}
    if len(fingerprints) != 1:
        raise HarnessError(f"the servers show different fingerprints: {fingerprints}")
    before_the_answers()
    for process in processes:
        _say_yes(process)
    ends = [process.wait(SHOWN_S) for process in processes]  # each ends once both have answered
    if any(ends):
        raise HarnessError(f"joining failed: {ends}, {[log.read_text() for log in logs.values()]}")
    return fingerprints.pop()


def _begin(server: Server, log: Path, *words: str) -> Process:
    """Start the operator's command; its questions are in the log, its answers come by standard input."""
    with log.open("w") as output:
        return server.popen(["twinset", "join", *words], stdin=PIPE, stdout=output, stderr=output)


def _shown(log: Path) -> str:
    """The fingerprint that the command shows; empty before."""
    words = log.read_text().partition("Fingerprint:")[2].split()
    return words[0] if words else ""


def _say_yes(process: Process) -> None:
    if process.stdin is None:
        raise HarnessError("a command that cannot be answered")
    process.stdin.write("y\n")
    process.stdin.close()
