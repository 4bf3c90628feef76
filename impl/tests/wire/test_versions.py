"""Which version two programs speak with each other, and what is said when there is none."""

import hmac
import json
from typing import Any

import pytest

from twinset import __version__
from twinset.errors import VersionsApart
from twinset.wire import control, heartbeat, replication
from twinset.wire.keyring import Keyring
from twinset.wire.versions import Versions

MINE = Versions(2, 3)
KEY = Keyring(b"k" * 32)


@pytest.mark.parametrize(
    ("said", "agreed"),
    [
        ({"v": 2}, 2),
        ({"v": 3}, 3),
        ({"v": 1, "newest": 2}, 2),
        ({"v": 3, "newest": 9}, 3),
        ({"v": 1, "newest": 9}, 3),
    ],
)
def test_both_speak_the_newest_that_both_know(said: dict[str, Any], agreed: int) -> None:
    """Also with a program that says one version only, as the first ones did."""
    assert MINE.agreed_with("x", "v", said) == agreed


@pytest.mark.parametrize(
    ("said", "words"), [({"v": 1}, "version 1"), ({"v": 4, "newest": 6}, "versions 4 to 6")]
)
def test_without_a_common_version_the_reason_names_both(said: dict[str, Any], words: str) -> None:
    """The other one's release and versions, and this one's."""
    with pytest.raises(VersionsApart) as caught:
        MINE.agreed_with("mirror connect", "v", {**said, "release": "9.1"})
    assert str(caught.value) == (
        f"the other side (twinset 9.1) speaks mirror connect {words}, this one (twinset {__version__}) versions 2 to 3"
    )


@pytest.mark.parametrize(
    "said", [{}, {"v": "1"}, {"v": True}, {"v": 3, "newest": 2}, {"v": 0}, {"v": 2, "newest": []}]
)
def test_what_is_no_version_is_refused(said: dict[str, Any]) -> None:
    """Whatever the other side says."""
    with pytest.raises(VersionsApart):
        MINE.agreed_with("x", "v", said)


def test_what_a_hello_says_is_understood() -> None:
    """By a program that knows ranges, and by one that looks for its only version."""
    assert MINE.said("v") == {"v": 2, "newest": 3, "release": __version__}
    assert MINE.agreed_with("x", "v", MINE.said("v")) == 3


def greeted(**changes: Any) -> control.ControlConnection:
    """A control connection that has heard a hello of another program."""
    line = json.loads(control.Hello("link", "server2", "a" * 32, "2" * 32).encode())
    side = control.ControlConnection(KEY, control.Hello("link", "server1", "b" * 32, "1" * 32), listener=True)
    side.receive_data(json.dumps({**line, **changes}).encode() + b"\n")
    return side


def test_a_control_connection_takes_neighbours_only() -> None:
    """A newer program that speaks this version too is welcome, with fields that this one does not know."""
    assert not greeted(newest=7, further="x").is_open
    with pytest.raises(VersionsApart, match=r"speaks control versions 2 to 3, this one .* version 1"):
        greeted(twinset=2, newest=3)


def test_a_mirror_connect_takes_neighbours_only() -> None:
    """Likewise."""
    message = {"set": "set1", "server": "server2", "nonce": "0" * 64}
    assert replication.check_hello({**message, "version": 1, "newest": 2}, "set1", "server2") == bytes(32)
    with pytest.raises(VersionsApart, match="speaks mirror connect version 3"):
        replication.check_hello({**message, "version": 3}, "set1", "server2")


def test_a_heartbeat_says_how_far_its_sender_understands(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of a newer layout and length is known to come from the other server, and refused by its version; one of this
    layout by a newer program is taken.
    """
    beat = heartbeat.Heartbeat("demo", "server1", "0" * 32, "1" * 16, 1, 2, "O")
    key = b"k" * 32
    monkeypatch.setattr(heartbeat, "VERSIONS", Versions(1, 3))
    datagram = heartbeat.encode(beat, key)
    monkeypatch.undo()
    assert (datagram[4], datagram[7] >> 4) == (1, 2)
    assert heartbeat.decode(datagram, key) == beat
    body = b"TSHB\x02\x01\x00\x10" + bytes(200)
    newer = body + hmac.digest(key, body, "sha256")
    with pytest.raises(VersionsApart, match="heartbeat versions 2 to 3"):
        heartbeat.decode_by_any(newer, [b"x" * 32, key])
    with pytest.raises(heartbeat.HeartbeatError, match="bytes"):
        heartbeat.decode(newer, b"x" * 32)
