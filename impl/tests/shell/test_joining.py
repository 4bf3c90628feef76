"""The join over a real connection on the loopback interface."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinset.errors import Refusal
from twinset.shell import joining, store
from twinset.shell.paths import Paths


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class World:
    """Two servers on the loopback interface."""

    def __init__(self, directory: Path) -> None:
        self.paths = [
            Paths(*(directory / name / part for part in ("etc", "state", "run"))) for name in ("a", "b")
        ]
        self.port = free_port()
        self.shown: dict[str, str] = {}
        self.ended: dict[str, Any] = {}

    def compare(self, me: str, says: bool) -> Callable[[str, str], bool]:
        def compared(_peer: str, fingerprint: str) -> bool:
            self.shown[me] = fingerprint
            return says

        return compared

    def play(self, *, offering: bool = True, inviting: bool = True) -> None:
        """Both commands, with what their operators say."""
        ready = threading.Event()

        def offer() -> None:
            try:
                compare = self.compare("server2", offering)
                self.ended["offer"] = joining.offer(self.paths[1], "server2", ready.set, compare, self.port)
            except Refusal as refusal:
                self.ended["offer"] = refusal
                ready.set()

        thread = threading.Thread(target=offer)
        thread.start()
        assert ready.wait(30)
        try:
            compare = self.compare("server1", inviting)
            self.ended["invite"] = joining.invite(self.paths[0], "server1", "127.0.0.1", compare, self.port)
        except Refusal as refusal:
            self.ended["invite"] = refusal
        thread.join(60)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return two servers without a key."""
    return World(tmp_path)


def test_a_key_is_made_and_shared(world: World) -> None:
    """Both operators see one fingerprint and say yes: both servers hold one key that nobody else can read."""
    world.play()
    assert world.ended == {"offer": "server1", "invite": "server2"}
    assert len(set(world.shown.values())) == 1
    keys = [store.read_keys(paths.key) for paths in world.paths]
    assert keys[0] == keys[1]
    assert all(paths.key.stat().st_mode & 0o777 == 0o600 for paths in world.paths)


def test_a_key_that_is_there_is_given_on(world: World) -> None:
    """A server of a cluster that lost its partner invites a new one: the key stays."""
    world.paths[0].etc.mkdir(parents=True)
    store.write_atomic(world.paths[0].key, "ab" * 32 + "\n")
    world.play()
    assert store.read_keys(world.paths[1].key).current == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize(("offering", "inviting"), [(False, True), (True, False), (False, False)])
def test_without_both_operators_nothing_is_joined(world: World, offering: bool, inviting: bool) -> None:
    """The offering server gets no key; the one who said no is told why that matters."""
    world.play(offering=offering, inviting=inviting)
    assert not world.paths[1].key.exists()
    assert all(isinstance(each, Refusal) for each in world.ended.values())
    assert any("between the servers" in each.message for each in world.ended.values())


def test_a_server_with_a_key_does_not_offer_itself(world: World) -> None:
    """It belongs to a cluster; the refusal says what to do."""
    world.paths[1].etc.mkdir(parents=True)
    store.write_atomic(world.paths[1].key, "cd" * 32 + "\n")
    with pytest.raises(Refusal, match="belongs to a cluster"):
        joining.offer(world.paths[1], "server2", lambda: None, lambda *_: True, world.port)


def test_nobody_there_is_a_refusal(world: World) -> None:
    """With the command for the other server."""
    with pytest.raises(Refusal) as caught:
        joining.invite(world.paths[0], "server1", "127.0.0.1", lambda *_: True, world.port)
    assert "--offer" in caught.value.help
    assert not world.paths[0].key.exists()


def test_only_one_network_is_near_enough() -> None:
    """2.3.3-03: a host behind a router is refused."""
    interfaces = {"eth0": {"10.0.1.1/24"}, "eth1": {"10.10.10.1/24"}}
    assert joining.same_network("10.0.1.1", "10.0.1.2", interfaces)
    assert not joining.same_network("10.0.1.1", "10.0.2.2", interfaces)
    assert not joining.same_network("10.0.1.1", "10.10.10.2", interfaces)
