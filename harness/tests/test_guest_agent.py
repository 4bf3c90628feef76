"""The lab's hand in a virtual machine, here with this machine as the guest and a shell in the place of ssh."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import CommandFailed, LabError
from harness.labs import machine, vagrant
from harness.labs.guest import Guest

CARD = (
    "<interface type='network'>\n  <mac address='02:7e:15:01:00:00'/>\n  <target dev='vnet3'/>\n"
    "  <link state='down'/>\n</interface>"
)


@pytest.fixture
def guest() -> Iterator[Guest]:
    found = Guest(["sh", "-c"])
    yield found
    found.close()


def test_a_command_is_run_to_its_end(guest: Guest) -> None:
    """Exit status and both outputs come back; standard input is given; a missing program is status 127."""
    ran = guest.order("run", argv=["sh", "-c", "cat; echo bad >&2; exit 3"], input="good", env={})
    assert (ran["returncode"], ran["stdout"], ran["stderr"], ran["late"]) == (3, "good", "bad\n", False)
    assert guest.order("run", argv=["no-such-program"], input=None, env={})["returncode"] == 127


def test_a_command_past_its_time_is_killed(guest: Guest) -> None:
    """A command that does not end is killed after its time, with what it started."""
    ran = guest.order("run", timeout_s=0.2, argv=["sh", "-c", "sleep 1000 & wait"], input=None, env={})
    assert ran["late"]
    assert ran["returncode"] < 0


def test_files_and_names(guest: Guest, tmp_path: Path) -> None:
    """A file is written with its directory and mode; what is not there has no text and no names."""
    path = tmp_path / "a" / "b"
    guest.order("write", path=str(path), text="text\n", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600
    assert guest.order("read", path=str(path))["text"] == "text\n"
    assert guest.order("names", path=str(path.parent))["names"] == ["b"]
    assert guest.order("read", path=str(tmp_path / "c"))["text"] is None
    assert guest.order("names", path=str(tmp_path / "c"))["names"] == []


def test_a_daemon_is_asked_over_its_socket(guest: Guest, tmp_path: Path) -> None:
    """The line that answers request 1 comes back whole; notifications before it are passed over."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(1)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                asked = json.loads(connection.recv(1000))
                connection.sendall(b'{"event": "x"}\n')
                connection.sendall(
                    json.dumps({"id": asked["id"], "ok": True, "verb": asked["verb"]}).encode() + b"\n"
                )

        server = threading.Thread(target=serve)
        server.start()
        assert guest.order("call", path=str(path), message={"verb": "ping"})["verb"] == "ping"
        server.join(20)


def test_an_order_that_fails_says_why(guest: Guest, tmp_path: Path) -> None:
    """A refused order is CommandFailed with the cause, and the agent goes on."""
    with pytest.raises(CommandFailed, match="FileNotFoundError"):
        guest.order("call", path=str(tmp_path / "nobody"), message={})
    assert guest.order("ping")["boot_id"] == guest.boot_id


def test_a_connection_that_ended_is_told_at_once() -> None:
    """Where the machine's power was cut, an order fails instead of waiting."""
    found = Guest(["sh", "-c"])
    found.close()
    with pytest.raises(CommandFailed):
        found.order("ping")


def test_a_cable_is_pulled_and_plugged() -> None:
    """The definition of a card carries exactly one state of its link, whatever it had before."""
    for plugged, state in ((True, "up"), (False, "down")):
        text = machine.with_cable(CARD, plugged)
        assert text.count("<link ") == 1
        assert f"<link state='{state}'/></interface>" in text


def test_the_image_of_a_disk_is_found_in_the_definition() -> None:
    """The path ends with the disk's name; a machine without that disk is an error."""
    text = "<source file='/pool/twinset_server1.img'/><source file='/pool/twinset_server1-mirror1.raw'/>"
    assert vagrant.image_of(text, "twinset_server1-mirror1.raw") == Path("/pool/twinset_server1-mirror1.raw")
    with pytest.raises(LabError, match="no disk x"):
        vagrant.image_of(text, "x")
