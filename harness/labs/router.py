"""A router on a LAN of the lab that learns routes by RIP: zebra and ripd of FRR, on a machine of its own."""

import json

from harness.labs.host import Host
from harness.run import Process, kill_group
from harness.wait import wait_for

FOLDER = "/usr/lib/frr"
RUN = "/run/frr"  # of the machine itself; the daemons give up root and become the user frr
UP_S = 30.0


class Router:
    """The two daemons on a host; they end with its power at the latest."""

    def __init__(self, host: Host, interface: str) -> None:
        self.host = host
        host.run(["install", "-d", "-o", "frr", "-g", "frr", RUN])
        # Version 2 only; it is passive, so nothing of its own is announced.
        lines = ["router rip", " version 2", f" network {interface}", f" passive-interface {interface}"]
        self._processes = [self._start("zebra", [], f"test -S {RUN}/zserv.api")]
        self._processes.append(self._start("ripd", lines, "ss -Huan | grep -q :520"))

    def routes(self) -> dict[str, str]:
        """What it has learnt and put into the kernel's table: destination -> gateway."""
        printed = self.host.run(["ip", "-json", "route", "show", "proto", "rip"], check=False).stdout
        return {str(row["dst"]): str(row.get("gateway", "")) for row in json.loads(printed or "[]")}

    def stop(self) -> None:
        """End both."""
        for process in reversed(self._processes):
            kill_group(process)

    def _start(self, name: str, lines: list[str], up: str) -> Process:
        """Start a daemon; `up` is true once it can be used."""
        text = "\n".join(["hostname router", *lines, ""])
        self.host.run(["sh", "-c", 'printf %s "$1" > "$2"', "sh", text, f"{RUN}/{name}.conf"])
        argv = [f"{FOLDER}/{name}", "-f", f"{RUN}/{name}.conf", "-i", f"{RUN}/{name}.pid"]
        argv += ["-z", f"{RUN}/zserv.api", "--vty_socket", RUN, "-P", "0"]
        with (self.host.directory / f"{name}.out").open("w") as output:
            process = self.host.popen(argv, stdout=output, stderr=output)
        ready = ["sh", "-c", up]
        wait_for(
            lambda: self.host.run(ready, check=False).returncode == 0,
            UP_S,
            f"{name} to be ready",
            poll_s=0.05,
        )
        return process
