import socket
import threading

import pytest

from perf.errors import OutputError
from perf.figures import fio_output
from perf.peers import echo


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_round_trips_are_timed_one_by_one() -> None:
    """The server answers each request whole, and ends when the asker has gone."""
    port, ready = free_port(), threading.Event()

    def serve() -> None:
        ready.set()
        echo.serve("127.0.0.1", port)

    server = threading.Thread(target=serve)
    server.start()
    ready.wait()
    found: list[float] = []
    for _ in range(100):
        try:
            found = echo.ask("127.0.0.1", port, 0.3)
            break
        except ConnectionRefusedError:
            server.join(0.02)
    server.join(10)
    assert not server.is_alive()
    assert found
    assert min(found) > 0


def test_timed_operations_become_figures() -> None:
    """One after the other: the rate is their number over the sum of their times."""
    found = fio_output.of_latencies([100.0, 300.0])
    assert (found.iops, found.ops, found.mean_us, found.p99_us) == (5000.0, 2, 200.0, 300.0)
    with pytest.raises(OutputError, match="nothing"):
        fio_output.of_latencies([])
