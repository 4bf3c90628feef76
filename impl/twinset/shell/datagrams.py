"""UDP sockets that never block: bound before their interface is there, read as far as a flood allows, closed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

IP_FREEBIND: Final = 15  # bind although the address is not configured at this moment


def bind(address: str, port: int, options: Iterable[tuple[int, int, int | bytes]] = ()) -> socket.socket:
    """Return a bound socket; OSError when the address or an option is refused, leaving nothing open."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        for level, option, value in ((socket.IPPROTO_IP, IP_FREEBIND, 1), *options):
            bound.setsockopt(level, option, value)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound


def waiting(
    bound: socket.socket, bytes_max: int, most: int, problem: Callable[[str], None]
) -> Iterator[tuple[bytes, tuple[str, int]]]:
    """Yield what has arrived, with its sender; one byte more than `bytes_max` of what is longer. Never waits."""
    for _ in range(most):
        try:
            data, sender = bound.recvfrom(bytes_max + 1)
        except BlockingIOError:
            return
        except OSError as error:  # an ICMP error of an earlier send
            problem(f"receive: {error.strerror}")
            return
        yield data, sender


def close(bound: socket.socket) -> None:
    """Stop watching a socket and close it; also where no loop runs any more."""
    with contextlib.suppress(RuntimeError, ValueError):
        asyncio.get_running_loop().remove_reader(bound)
    bound.close()
