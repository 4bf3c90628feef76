"""The client of the demonstration: inserts row after row through the floating IP address, as fast as it can.

A row is written to the log only when the server has acknowledged its commit. What was sent and not
acknowledged when a connection broke may or may not be in the table; everything in the log must be.

Run on the client host: ``python -m harness.demo.client ADDRESS PORT LOG``; ends at the end of its input.
Each log line: ``number  seconds-since-boot``; lines beginning with "#" tell of connections.
"""

import contextlib
import os
import select
import socket
import sys
from pathlib import Path
from typing import IO

from harness.run import PIPE, Process, kill_group, popen
from harness.wait import now_s, settle

CONNECT_TIMEOUT_S = 0.25
RETRY_S = 0.05
ANSWER_TIMEOUT_S = 2.0
TABLE = (
    "CREATE TABLE IF NOT EXISTS ledger (number bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());"
)


class Connection:
    """One psql, fed line by line; it prints one line for each row that the server has committed."""

    def __init__(self, address: str, port: int) -> None:
        # A server without power sends no FIN: the client's own patience ends the wait, not the kernel's.
        uri = f"host={address} port={port} user=postgres dbname=postgres connect_timeout=2"
        argv = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", uri]
        self._psql: Process = popen(argv, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        self._ask(TABLE + " SELECT 'ready';", "ready")

    def insert(self, number: int) -> None:
        """Commit one row; OSError when there is no acknowledgement."""
        self._ask(f"INSERT INTO ledger(number) VALUES ({number}) RETURNING number;", str(number))

    def _ask(self, sql: str, expected: str) -> None:
        if self._psql.stdin is None or self._psql.stdout is None:
            raise OSError("psql has no pipes")
        self._psql.stdin.write(sql + "\n")
        self._psql.stdin.flush()
        ready, _, _ = select.select([self._psql.stdout], [], [], ANSWER_TIMEOUT_S)
        line = self._psql.stdout.readline().strip() if ready else "no answer in time"
        if line != expected:
            raise OSError(line or self._last_words())

    def _last_words(self) -> str:
        with contextlib.suppress(Exception):
            self._psql.wait(1)
            return self._psql.stderr.read().strip() if self._psql.stderr else ""
        return "connection lost"

    def close(self) -> None:
        """End psql, whatever it waits for."""
        kill_group(self._psql)


def reachable(address: str, port: int) -> bool:
    """Take a cheap look before psql is started; True when something accepts connections there."""
    try:
        socket.create_connection((address, port), CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def told_to_stop() -> bool:
    """True once whoever started the client has closed its input."""
    ready, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(ready) and not os.read(sys.stdin.fileno(), 1)


def serve(address: str, port: int, log: IO[str]) -> None:
    """Insert until told to stop; reconnect whenever a connection is lost."""
    number = 0
    while not told_to_stop():
        if not reachable(address, port):
            settle(RETRY_S)
            continue
        connection = None
        try:
            connection = Connection(address, port)
            log.write(f"# connected {now_s():.4f}\n")
            while not told_to_stop():
                number += 1
                connection.insert(number)
                log.write(f"{number} {now_s():.4f}\n")
        except OSError as error:
            log.write(f"# lost {now_s():.4f} {' '.join(str(error).split())}\n")
        finally:
            if connection is not None:
                connection.close()


def main() -> None:
    """``ADDRESS PORT LOG``."""
    address, port, path = sys.argv[1:]
    with Path(path).open("a", buffering=1) as log:
        serve(address, int(port), log)


if __name__ == "__main__":
    main()
