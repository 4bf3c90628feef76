"""Two mirror connects between two real processes: what is lost on one of them arrives over the other (R11)."""

import shutil
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from harness.labs.loopback import qemu_io
from harness.labs.proxy import CUT, PASS, SILENT, Proxy
from harness.wait import wait_for

pytestmark = pytest.mark.skipif(shutil.which("qemu-io") is None, reason="qemu-utils is needed")
ROUNDS = 6


@pytest.fixture
def proxies(make_pair: Any) -> Iterator[tuple[Any, list[Proxy]]]:
    """A pair whose server 2 reaches server 1 over two proxies."""
    pair = make_pair(connects=["mc1", "mc2"])
    port = pair.one.spec["port"]
    pair.one.spec["paths"] = [["127.0.0.1", "127.0.2.1"], ["127.0.1.1", "127.0.3.1"]]
    pair.two.spec["paths"] = [["127.0.2.2", "127.0.2.1"], ["127.0.3.2", "127.0.3.1"]]
    made = [
        Proxy(("127.0.2.1", port), ("127.0.0.1", port)),
        Proxy(("127.0.3.1", port), ("127.0.1.1", port)),
    ]
    pair.create()
    pair.activate(pair.one)
    yield pair, made
    for proxy in made:
        proxy.end()


def states(server: Any) -> list[str]:
    """How the server shows its mirror connects."""
    return [each["state"] for each in server.status()["connects"]]


def test_a_session_outlives_each_of_its_connections(proxies: Any) -> None:
    """Reset and silenced in turn under writes: nothing is copied, nothing breaks, both disks are equal."""
    pair, made = proxies
    random = Random(5)
    ready = lambda: states(pair.one) == ["in use", "ready"] == states(pair.two)  # noqa: E731
    wait_for(ready, 30, "both connects to stand ready")
    for number in range(ROUNDS):
        which, mode = number % 2, random.choice((CUT, SILENT))
        made[which].set(mode)
        writes = [f"write -P {number + 1} {random.randrange(15 << 20) & ~4095} 64k" for _ in range(40)]
        qemu_io(pair.one.uri, *writes, "flush")
        wait_for(lambda which=which: states(pair.one)[which] == "lost", 30, "the loss to be shown")
        made[which].set(PASS)
        wait_for(ready, 30, "the connect to be back, and the preferred one in use")
    for server in (pair.one, pair.two):
        assert server.log.count('"mirror_normal"') <= 1, "the first creation, and no copy since"
        assert "mirror_break" not in server.log
        for name in ("mirror_connect_lost", "mirror_connect_back", "mirror_connect_changed"):
            assert server.log.count(f'"{name}"') >= 2, name
    pair.one.ask("deactivate")
    pair.one.ask("close", solo_right=True)
    pair.two.ask("close", solo_right=False)
    assert pair.equal()


def test_without_any_connect_the_session_ends_and_comes_back(proxies: Any) -> None:
    """Both cut: as with a single one; back, the window is copied once."""
    pair, made = proxies
    qemu_io(pair.one.uri, "write -P 1 0 1M")
    for proxy in made:
        proxy.set(CUT)
    pair.one.until("session lost", session="none")
    for proxy in made:
        proxy.set(PASS)
    pair.one.until("normal", set_state="NORMAL")
    qemu_io(pair.one.uri, "read -P 1 0 1M", "write -P 2 0 64k")
