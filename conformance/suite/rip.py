"""A router that learns by RIP: a small program of the suite on the host that `provision` calls the router."""

import contextlib
from collections.abc import Iterator

from conformance.suite.pair import Pair

# Takes version 2 responses on an interface: host routes by metric; 16 takes a route away.
PROGRAM = """
import socket, struct, subprocess, sys
interface = sys.argv[1]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
    heard.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    heard.bind(("", 520))
    group = struct.pack("4s4si", socket.inet_aton("224.0.0.9"), bytes(4), socket.if_nametoindex(interface))
    heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    print("listening", flush=True)
    while True:
        packet, (sender, _) = heard.recvfrom(1024)
        for at in range(4, len(packet) - 19, 20) if packet[:2] == b"\\2\\2" else ():
            _, _, address, mask, _, metric = struct.unpack("!HH4s4s4sI", packet[at:at + 20])
            route = f"{socket.inet_ntoa(address)}/{bin(int.from_bytes(mask, 'big')).count('1')}"
            way = ["via", sender, "dev", interface]
            subprocess.run(["ip", "route", "replace" if metric < 16 else "del", route, *way], check=False)
"""


@contextlib.contextmanager
def learning(pair: Pair, address: str) -> Iterator[None]:
    """The router interprets RIP while this lasts; afterwards it has no route for the address."""
    router, interface = (str(pair.provisioned["remote"][key]) for key in ("router", "interface"))
    pair.see.need(router, "python3")
    asked = {"host": router, "argv": ["python3", "-c", PROGRAM, interface], "background": True}
    job = pair.adapter.request("run", asked)["job"]
    try:
        yield
    finally:
        pair.adapter.request("job", {"job": job, "action": "stop"})
        pair.see.run(router, ["ip", "route", "flush", f"{address}/32"])
