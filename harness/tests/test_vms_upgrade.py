"""The rolling upgrade of impl/docs/upgrading.md on two virtual machines: pip and `systemctl restart`.

On request only, like test_vms.py. Both releases call themselves the same version, so pip is told to install anyway.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.labs import pair, releases
from harness.labs.far_scribe import LATE_S, FarScribe

from .test_vms import pytestmark as on_request

pytestmark = [*on_request, pytest.mark.skipif(
    bool(releases.reason_to_skip(releases.FIRST)), reason=releases.reason_to_skip(releases.FIRST) or "-"
)]  # fmt: skip

PIP = ("/opt/twinset/bin/pip", "install", "-q", "--no-index", "--no-deps", "--force-reinstall")
NEW = ("--find-links", "/opt/twinset-wheels", "twinset")
OLD_FOLDER = "/var/tmp/twinset-old"


def install(machine: Any, *what: str) -> None:
    """Step 4: the wheel, then the daemon anew."""
    machine.run([*PIP, *what], timeout_s=2 * LATE_S)
    machine.run(["systemctl", "restart", "twinsetd"], timeout_s=LATE_S)


def put_old(machine: Any, wheel: Path) -> str:
    """Bring a wheel into a machine; its path there."""
    path = f"{OLD_FOLDER}/{wheel.name}"
    text = base64.b64encode(wheel.read_bytes()).decode()
    script = f"mkdir -p {OLD_FOLDER} && base64 -d > {path}"
    machine.run(["sh", "-c", script], input_text=text, timeout_s=LATE_S)
    return path


@pytest.fixture
def lab() -> Iterator[Any]:
    """A pair with the oldest release that the present one works beside; at the end the machines have the present."""
    from harness.labs.vagrant import VagrantLab

    with VagrantLab.create(scale=1.0, disk_mib=64, name="test-vms-upgrade") as made:
        try:
            for machine in made.servers:
                install(machine, put_old(machine, releases.wheel_of(releases.FIRST)))
            pair.bring_up(made, LATE_S)
            yield made
        finally:
            for machine in made.servers:
                if machine.powered:
                    machine.run(["rm", "-rf", OLD_FOLDER])
                    install(machine, *NEW)


def upgrade(lab: Any, machine: Any) -> None:
    """Steps 3 to 6 of the page, for a server that runs no group."""
    other = lab.peer_of(machine)
    other.api("server.isolate", LATE_S, server=machine.name)
    pair.await_server(other, machine.name, "Od", LATE_S)
    install(machine, *NEW)
    pair.await_answers([machine], LATE_S)
    pair.await_server(machine, machine.name, "Od", LATE_S)
    pair.insist(other, "server.return", LATE_S, server=machine.name)
    for server in lab.servers:
        pair.await_set(server, "NORMAL", LATE_S)
    assert other.status_of_set(pair.SET)["copy_mode_last"] == "high-speed"


def test_one_machine_after_the_other_is_upgraded_under_systemd(lab: Any) -> None:
    """Under a writing load, with pip and `systemctl restart twinsetd`: both releases work side by side, no group fails
    over, no acknowledged write is lost, each copy is high-speed, and both say at the end that they have one release
    (AUX-01, AUX-02).
    """
    one, two = lab.servers
    scribe = FarScribe(one, lab.directory / "one.log")
    scribe.await_more(50)
    upgrade(lab, two)
    pair.await_status(two, lambda status: status["programs"]["differ"], LATE_S, "two releases")
    scribe.await_more(50)
    scribe.stop()
    pair.insist(two, "group.move", LATE_S, group=pair.GROUP, server=two.name)
    pair.await_group(two, "active", LATE_S, on=two.name)
    scribe.verify(two)
    scribe = FarScribe(two, lab.directory / "two.log", 2)
    scribe.await_more(50)
    upgrade(lab, one)
    pair.await_status(two, lambda status: not status["programs"]["differ"], LATE_S, "one release")
    scribe.await_more(50)
    scribe.stop()
    scribe.verify(two)
    for server in (one, two):
        names = [event["event"] for event in server.events()]
        assert not {"group_fails_over", "declared_down", "full_copy"} & set(
            names[names.index("mirror_normal") :]
        )
