"""One pair, power cuts, and what the client saw of each: per address, name and service, after the detection."""

import contextlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from harness.errors import LabError, WaitTimeout
from harness.labs import pair
from harness.labs.namespaces import Lab
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.run import PIPE, Process, kill_group
from harness.switching.observer import Spec
from harness.topology import FLOATING_IP
from harness.wait import boot_s, now_s, wait_for

PORT = 7777
NAME = "DBSERVER"
DETECTED = "server_down"  # the event of the survivor: detection and partition phase are over
GROUPS_MAX = 64
NAMES_MAX = 63  # associated ones; one less than 64 for the adapter bound to the name service [7.3.1.5-02]

# The service of the group: answers by UDP with what it reads on the mirrored disk.
SERVICE = f"""
import socket
served = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
served.bind(("{FLOATING_IP}", {PORT}))
while True:
    _, client = served.recvfrom(64)
    with open("{pair.MOUNT_POINT}/note", "rb") as note:
        served.sendto(note.read(), client)
"""
START = f"""#!/bin/sh
[ "$ARMS_EVENT" = RECOVER ] && exit 0
[ -e {pair.MOUNT_POINT}/note ] || echo kept > {pair.MOUNT_POINT}/note
{sys.executable} -I -S /etc/twinset/scripts/service.py >/dev/null 2>&1 &
echo $! > /run/service.pid
"""
STOP = """#!/bin/sh
[ -e /run/service.pid ] && kill "$(cat /run/service.pid)"
exit 0
"""


@dataclass(frozen=True)
class Switch:
    """One switch: seconds from the detection to the first answer of each, as the client saw it."""

    detected_s: float  # from the power cut
    answers_s: Mapping[str, float]

    @property
    def last_s(self) -> float:
        """When everything answered."""
        return max(self.answers_s.values())


def further_groups(count: int, servers: Sequence[str]) -> tuple[str, list[str], list[str]]:
    """The TOML of so many groups with an address and, as far as the guide allows, a name; addresses and names."""
    lines: list[str] = []
    addresses = [f"10.0.1.{101 + number}" for number in range(count)]
    names = [f"NAME-{number + 2}" for number in range(min(count, NAMES_MAX - 1))]
    policy = ", ".join(f'"{server}"' for server in servers)
    for number, address in enumerate(addresses):
        lines += ["[[group]]", f'name = "g{number + 2}"', f"policy = [ {policy} ]"]
        lines += ["[[group.floating_ip]]", f'address = "{address}"']
        if number < len(names):
            lines += ["[[group.virtual_computer_name]]", f'name = "{names[number]}"']
    return "\n".join(lines) + "\n" if lines else "", addresses, names


class Client:
    """The observer, running on the client host."""

    def __init__(self, lab: Lab, spec: Spec) -> None:
        self.spec = spec
        self._log = lab.directory / "client" / "log" / "observer.log"
        argv = [sys.executable, "-m", "harness.switching.observer", spec.as_json()]
        with self._log.open("w") as output, self._log.with_suffix(".err").open("w") as errors:
            self._process: Process = lab.client.popen(argv, stdin=PIPE, stdout=output, stderr=errors)

    @property
    def keys(self) -> tuple[str, ...]:
        """Everything that is asked."""
        services = [f"{address}:{port}" for address, port in self.spec.services]
        return (*self.spec.addresses, *self.spec.names, *services)

    def answers(self, after_s: float) -> dict[str, float]:
        """When each answered first after a silence that ended later than that."""
        found: dict[str, float] = {}
        for line in self._log.read_text().splitlines():
            with contextlib.suppress(ValueError):
                body = json.loads(line)
                if body["at"] > after_s:
                    found.setdefault(body["key"], body["at"])
        return found

    def await_all(self, after_s: float, what: str) -> dict[str, float]:
        """Everything has answered since then."""
        try:
            wait_for(lambda: self._going() and not self.silent(after_s), SOON_S, what, poll_s=0.1)
        except WaitTimeout as error:
            raise WaitTimeout(f"{error}; silent: {', '.join(self.silent(after_s))}") from None
        return self.answers(after_s)

    def _going(self) -> bool:
        if self._process.poll() is not None:
            raise LabError(f"the observer ended: {self._log.with_suffix('.err').read_text()[-1000:]}")
        return True

    def silent(self, after_s: float) -> list[str]:
        """What has not answered since then."""
        answers = self.answers(after_s)
        return [key for key in self.keys if key not in answers]

    def stop(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(20)
        finally:
            kill_group(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def bring_up(lab: Lab, groups: int) -> Spec:
    """A pair with one whole group (disk, address, name, script) and further ones; what the client should ask."""
    start, stop = pair.install_script(lab, "start.sh", START), pair.install_script(lab, "stop.sh", STOP)
    pair.install_script(lab, "service.py", SERVICE)
    more, addresses, names = further_groups(groups - 1, [server.name for server in lab.servers])
    pair.bring_up(lab, LATE_S, scripts=((start, stop),), virtual_names=(NAME,), more=more)
    await_groups(lab, lab.server1.name, groups)
    return Spec(
        addresses=(FLOATING_IP, *addresses),
        names=(NAME, *names),
        services=((FLOATING_IP, PORT),),
        interval_s=0.01 if groups == 1 else 0.1,
    )


def await_groups(lab: Lab, server: str, count: int) -> None:
    """So many groups are active on that server."""

    def holds(status: Mapping[str, Any]) -> bool:
        groups = status["groups"].values()
        active = [g for g in groups if g["state"] == "active" and g["server"] == server]
        return len(active) == count

    pair.await_status(lab.server(server), holds, LATE_S, f"{count} groups to be active on {server}")


def cut_power(lab: Lab, client: Client, groups: int) -> Switch:
    """Take the power from whoever is active; everything answers again from the other server."""
    running = Pair(lab)
    active, survivor = running.active, running.standby
    number = max((event["seq"] for event in survivor.events()), default=0)
    cut_s = now_s()
    lab.power_off(active)
    answers = client.await_all(cut_s, f"everything to answer from {survivor.name}")
    await_groups(lab, survivor.name, groups)
    detected_s = _detected(survivor.events(), number)
    return Switch(detected_s - cut_s, {key: answers[key] - detected_s for key in client.keys})


def make_whole(lab: Lab) -> None:
    """The server without power comes back, and the mirror set is whole."""
    lost = next(server for server in lab.servers if not server.powered)
    lab.power_on(lost)
    Pair(lab).give_back(lost)


def _detected(events: Iterable[Mapping[str, Any]], after: int) -> float:
    times = [boot_s(e["time"]) for e in events if e["seq"] > after and e["event"] == DETECTED]
    if not times:
        raise AssertionError(f"no event {DETECTED}")
    return times[0]
