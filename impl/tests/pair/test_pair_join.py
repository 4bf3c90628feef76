"""Two servers that share nothing are joined by hand, and the key is changed under a writing load."""

import contextlib
from collections.abc import Iterator

import pytest

from harness import audits
from harness.faults.disk import create_image
from harness.labs import joining, pair
from harness.labs.api import ApiRefused
from harness.labs.namespaces import Lab
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.wait import wait_for


@pytest.fixture
def strangers(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Return two servers with power, daemons and no key."""
    with Lab.create(disk_mib=64, seed=11, name=request.node.name[:40], power_on=False) as lab:
        for server in lab.servers:
            (server.etc_directory / "cluster.key").unlink()
        for host in lab.hosts.values():
            lab.power_on(host)
        yield lab
    audits.no_leftovers(lab).require()


def test_strangers_are_joined_and_change_their_key(strangers: Lab) -> None:
    """Both show one fingerprint; after two yes they hold one key, of root's only, and form a cluster. The key is
    changed while a writer writes: nothing stops; a mirror process and a twinsetd that are killed then come back.
    """
    lab = strangers
    one, two = lab.servers
    pair.await_daemons(lab)

    def nothing_yet() -> None:
        assert not (two.etc_directory / "cluster.key").exists()

    joining.by_hand(one, two, "10.10.10.2", before_the_answers=nothing_yet)
    keys = [(server.etc_directory / "cluster.key") for server in lab.servers]
    assert keys[0].read_text() == keys[1].read_text()
    assert all(key.stat().st_mode & 0o777 == 0o600 for key in keys)

    for server in lab.servers:
        wait_for(lambda s=server: "no cluster" in s.api("ping")["reason"], SOON_S, "the key to be noticed")  # type: ignore[misc]
    pair.bring_up(lab, LATE_S)
    running = Pair(lab)
    scribe = running.write()
    scribe.await_more(50)
    before = keys[0].read_text()
    two.api("key.rotate", LATE_S)
    assert keys[0].read_text() == keys[1].read_text() != before
    scribe.await_more(50)
    two.kill_program("twinset-mirrord")
    one.kill_program("twinsetd")
    running.await_normal()
    scribe.await_more(50)
    scribe.stop()
    assert running.active is one
    texts = [path.read_text(errors="replace") for path in lab.directory.rglob("*.log")]
    texts += [(server.state_directory / "events.jsonl").read_text() for server in lab.servers]
    for key in (before.strip(), keys[0].read_text().strip()):
        assert not [text for text in texts if key in text]
    replace(running)
    running.stop_and_compare()


def replace(running: Pair) -> None:
    """Server 2 is lost for good; a new machine of its name is joined by the server that is left, gets the
    configuration, is returned, and everything is copied to it, under a writing load (4.3.4.3-03).
    """
    lab = running.lab
    one, two = lab.servers
    scribe = running.write()
    lab.power_off(two)
    pair.await_server(one, two.name, "Xd", LATE_S)
    two.forget()
    (two.etc_directory / "cluster.key").unlink()
    create_image(two.disk.image, two.disk.size_bytes >> 20, 0x7E170001)
    lab.power_on(two)
    wait_for(two.daemon_answers, SOON_S, "twinsetd of the new machine")
    joining.by_hand(one, two, "10.10.10.2")

    def handed_over() -> bool:
        with contextlib.suppress(ApiRefused):  # the new machine notices the key within a second
            return bool(one.api("server.replace", SOON_S, server=two.name))
        return False

    wait_for(handed_over, SOON_S, "the new machine to take the configuration", poll_s=0.3)
    running.give_back(two)
    assert one.status_of_set(pair.SET)["copy_mode_last"] == "full"
    scribe.await_more(50)
    scribe.stop()
    scribe.verify(one)
