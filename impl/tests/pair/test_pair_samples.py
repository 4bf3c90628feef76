"""The scripts that `twinset group script new` makes, as they are, on a real pair."""

import pytest

from harness import topology
from harness.labs import pair
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.wait import wait_for
from twinset.operator import script_templates

DIRECTORY = "/etc/twinset/scripts"
SHARED = {
    "SHARE": "data",
    "PATH": f"{pair.MOUNT_POINT}/data",
    "ADDRESS": topology.FLOATING_IP,
    "GUEST": "yes",
}


def made(template: str, **given: str) -> dict[str, str]:
    """The scripts of the group from a template, in a folder of the template's name."""
    scripts = script_templates.render(template, pair.GROUP, f"{DIRECTORY}/{template}", given)
    return {f"{template}/{name}": text for name, text in scripts.items()}


def paths(template: str) -> tuple[str, str]:
    start, stop = (f"{DIRECTORY}/{template}/{pair.GROUP}-{part}" for part in ("start", "stop"))
    return start, stop


SAMPLES = {
    "install": {**made("plain"), **made("file-sharing", **SHARED)},
    "scripts": [paths("plain"), paths("file-sharing")],
}


def shared(running: Pair) -> str:
    """What a client reads from the share at the group's address; empty when it cannot."""
    argv = ["smbclient", f"//{topology.FLOATING_IP}/data", "--no-pass", "--command", "get note -"]
    ran = running.lab.client.run(argv, check=False, timeout_s=30)
    return ran.stdout.splitlines()[0] if ran.returncode == 0 and ran.stdout else ""


@pytest.mark.parametrize("running", [SAMPLES], indirect=True)
def test_the_samples_do_what_the_guide_says_of_them(running: Pair) -> None:
    """A client reads a share of the mirrored disk at the group's address, and again after a power cut; a stop leaves no
    file server. Where the disk cannot be activated at home, the sample of 4.5.2 hands the group to the other server.
    """
    lab = running.lab
    one, two = running.active, running.standby
    one.run(["sh", "-c", f"echo kept > {pair.MOUNT_POINT}/data/note; sync"])
    wait_for(lambda: shared(running) == "kept", SOON_S, "a client to read the share", poll_s=0.2)
    lab.power_off(one)
    running.await_active_on(two)
    wait_for(lambda: shared(running) == "kept", SOON_S, "a client to read the share again", poll_s=0.2)
    lab.power_on(one)
    running.give_back(one)
    two.api("group.stop", SOON_S, group=pair.GROUP)
    assert two.pids_of("smbd") == []

    one.run(["mkdir", "-p", pair.MOUNT_POINT])
    one.run(["mount", "-t", "tmpfs", "none", pair.MOUNT_POINT])
    pair.insist(one, "group.start", LATE_S, group=pair.GROUP, server=one.name)
    running.await_active_on(two)
    assert (two.status() or {})["groups"][pair.GROUP]["disk_failure"] is False
    handed_on = [event["fields"] for event in one.events() if event["event"] == "group_fails_over"]
    assert "ARMFOVER" in str(handed_on)
