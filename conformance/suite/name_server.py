"""Name servers that the suite runs on hosts: Samba's nmbd as a WINS server, and a DNS server that asks it."""

from conformance.suite.pair import DEADLINE_S, SERVERS, Pair
from conformance.suite.wait import wait_for

_DIRECTORIES = ("lock", "state", "cache", "pid", "private", "ncalrpc")
_FOLDER = "/run/conformance-wins"

# A DNS server of one-label names: port, seconds for which it keeps an answer, and the name server it asks.
DNS_PROGRAM = """
import re, socket, subprocess, sys, time
port, keep_s, wins = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
kept = {}
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
    asked.bind(("", port))
    while True:
        query, asker = asked.recvfrom(512)
        name = query[13:13 + query[12]].decode()
        address, until = kept.get(name, ("", 0))
        if time.monotonic() >= until:
            argv = ["nmblookup", "-U", wins, "--recursion", name]
            said = subprocess.run(argv, capture_output=True, text=True).stdout
            found = re.search(r"^([0-9.]+) \\S+<00>", said, re.MULTILINE)
            address = found[1] if found else ""
            kept[name] = (address, time.monotonic() + keep_s)
        head = query[:2] + (b"\\x81\\x80" if address else b"\\x81\\x83") + b"\\0\\1"
        head += bytes([0, bool(address)]) + b"\\0\\0\\0\\0" + query[12:18 + query[12]]
        record = b"\\xc0\\x0c\\0\\1\\0\\1" + keep_s.to_bytes(4, "big") + b"\\0\\4"
        asked.sendto(head + (record + socket.inet_aton(address) if address else b""), asker)
"""
DNS_CLIENT = """
import socket, sys
name = sys.argv[3].encode()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.settimeout(10)
    question = bytes([len(name)]) + name + b"\\0\\0\\1\\0\\1"
    asking.sendto(b"\\1\\2\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + question, (sys.argv[1], int(sys.argv[2])))
    answer = asking.recv(512)
    print(socket.inet_ntoa(answer[-4:]) if answer[7] else "")
"""


class NameServer:
    """A WINS server on a host, from `start` to `end` or to the loss of its power."""

    def __init__(self, pair: Pair, host: str, address: str) -> None:
        self.pair = pair
        self.host = host
        self.address = address
        self._job = ""

    def start(self) -> None:
        """Start it, and wait until it knows its own name."""
        self.pair.see.need(self.host, "nmbd")
        own = f"NS-{self.host}".upper()
        lines = ["[global]", f"netbios name = {own}", "workgroup = CONFORMANCE", "wins support = yes"]
        lines += ["interfaces = $a", "bind interfaces only = yes"]
        lines += [f"{word} master = no" for word in ("local", "preferred", "domain")]
        lines += [f"{kind} directory = {_FOLDER}" for kind in _DIRECTORIES]
        conf = "\\n".join(lines)
        script = (
            f"a=$(ip -4 -o address | grep -o '{self.address}/[0-9]*'); mkdir -p {_FOLDER} /run/samba; "
            f'printf "{conf}\\n" > {_FOLDER}/smb.conf; '
            f"exec nmbd --foreground --no-process-group -s {_FOLDER}/smb.conf -l {_FOLDER}"
        )
        self._job = self._start(["sh", "-c", script])
        wait_for(
            lambda: self.pair.see.knows(self.address, own),
            bool,
            DEADLINE_S,
            f"the name server on {self.host}",
        )

    def end(self) -> None:
        """End it, unless its host is gone."""
        gone = self.host in SERVERS and self.host not in self.pair.now.powered
        if self._job and not gone:
            self.pair.adapter.request("job", {"job": self._job, "action": "stop"})

    def _start(self, argv: list[str]) -> str:
        asked = {"host": self.host, "argv": argv, "background": True}
        return str(self.pair.adapter.request("run", asked)["job"])


class NameProxy:
    """A DNS server on the client that asks a WINS server and keeps its answers for a while."""

    def __init__(self, pair: Pair, port: int, keep_s: int, wins: str) -> None:
        self.pair = pair
        self.port = port
        self._argv = ["python3", "-c", DNS_PROGRAM, str(port), str(keep_s), wins]
        self._job = ""

    def start(self) -> None:
        """Start it."""
        self.pair.see.need("client", "python3")
        asked = {"host": "client", "argv": self._argv, "background": True}
        self._job = str(self.pair.adapter.request("run", asked)["job"])

    def says(self, host: str, name: str) -> str:
        """What a host is told that asks for a name; empty when there is none."""
        address = str(self.pair.provisioned["client"]["address"])
        argv = ["python3", "-c", DNS_CLIENT, address, str(self.port), name]
        return self.pair.see.run(host, argv).stdout.strip()

    def end(self) -> None:
        """End it."""
        if self._job:
            self.pair.adapter.request("job", {"job": self._job, "action": "stop"})
