"""A round trip on the mirror connect, with nothing behind it: 4 KiB one way, a few bytes back, by plain Python.

``python -m perf.peers.echo serve ADDRESS PORT`` answers one connection; ``python -m perf.peers.echo ask ADDRESS PORT
SECONDS`` asks over and over and prints the microseconds of each, as a JSON list.
"""

import json
import socket
import sys
import time

REQUEST, ANSWER = b"\0" * 4128, b"\0" * 32  # a 4 KiB write of the mirror with its header; a receipt
WARM_UP = 50


def whole(connection: socket.socket, length: int) -> bool:
    """Receive so many bytes; False when the other end is gone."""
    while length:
        part = connection.recv(length)
        if not part:
            return False
        length -= len(part)
    return True


def serve(address: str, port: int) -> None:
    """Answer until the asker has gone."""
    with socket.create_server((address, port)) as listening:
        connection, _ = listening.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while whole(connection, len(REQUEST)):
                connection.sendall(ANSWER)


def ask(address: str, port: int, seconds: float) -> list[float]:
    """Microseconds of each round trip for that long; the first ones do not count."""
    found = []
    with socket.create_connection((address, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begin = time.perf_counter_ns()
            connection.sendall(REQUEST)
            if not whole(connection, len(ANSWER)):
                raise ConnectionError("the other end is gone")
            found.append((time.perf_counter_ns() - begin) / 1000)
    return found[WARM_UP:]


def main() -> None:
    """``serve ADDRESS PORT`` or ``ask ADDRESS PORT SECONDS``."""
    verb, address, port, *rest = sys.argv[1:]
    if verb == "serve":
        serve(address, int(port))
    else:
        json.dump([round(value, 1) for value in ask(address, int(port), float(rest[0]))], sys.stdout)


if __name__ == "__main__":
    main()
