"""The guide's script commands, run on a server of the pair; and the programs that they start there."""

from conformance.suite.errors import AdapterError
from conformance.suite.observers import Ran
from conformance.suite.pair import DEADLINE_S, Pair
from conformance.suite.wait import wait_for

GROUP = "loader"  # of the configuration "commands": its start script runs what `at_start` says
PROGRAM = "program"


class Commands:
    """Commands on one server."""

    def __init__(self, pair: Pair, server: str) -> None:
        self.pair = pair
        self.server = server
        self._scratch = pair.see.scratch

    def run(self, *words: str) -> Ran:
        """Run one to its end."""
        return self.pair.see.run(self.server, words, timeout_s=60)

    def shell(self, text: str) -> Ran:
        """Run a line of shell, which has to succeed."""
        ran = self.pair.see.run(self.server, ["sh", "-c", text], timeout_s=60)
        if ran.returncode:
            raise AdapterError(f"{text} on {self.server}: {ran.stderr.strip()}")
        return ran

    def at_stop(self, line: str) -> None:
        """Have the stop script of the group run a line; an empty one is taken away."""
        hook = f"{self._scratch}/at-stop"
        self.shell(f"printf '%s\\n' '{line}' > {hook}" if line else f"rm -f {hook}")

    def at_start(self, line: str) -> None:
        """Have the start script of the group run a line; PROGRAM in it is a program that notes pid and words."""
        program = f"{self._scratch}/{PROGRAM}"
        self.shell(
            f"rm -f {self._scratch}/pids {self._scratch}/words; "
            f"printf '#!/bin/sh\\necho $$ >> {self._scratch}/pids\\necho $* >> {self._scratch}/words\\n"
            f"exec sleep 86400\\n' > {program}; "
            f"chmod +x {program}; "
            f"printf '%s\\n' '{line.replace('PROGRAM', program)}' > {self._scratch}/at-start"
        )

    def started(self) -> list[int]:
        """The pids of the program, in the order of its starts."""
        text = self.pair.see.run(self.server, ["sh", "-c", f"cat {self._scratch}/pids || true"]).stdout
        return [int(line) for line in text.split()]

    def words(self) -> list[str]:
        """The words with which the program was started, a line for each start."""
        return self.shell(f"cat {self._scratch}/words").stdout.splitlines()

    def wait_started(self, times: int) -> int:
        """Wait for that many starts of the program; return the latest pid."""
        what = f"start number {times} of the program on {self.server}"
        return wait_for(self.started, lambda pids: len(pids) >= times, DEADLINE_S, what)[-1]

    def lives(self, pid: int) -> bool:
        """Whether a process runs."""
        return self.pair.see.run(self.server, ["sh", "-c", f"kill -0 {pid}"]).returncode == 0

    def kill(self, pid: int) -> None:
        """Kill -9."""
        self.shell(f"kill -9 {pid}")
