"""What systemd is told."""

import asyncio
import socket
from pathlib import Path

import pytest

from twinset.shell import notify


def test_signs_of_life_are_wanted_of_the_process_that_systemd_names() -> None:
    """The interval is a quarter of WATCHDOG_USEC; another process's watchdog, or none, wants nothing."""
    assert notify.watchdog_s({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "7"}, 7) == 2.5
    assert notify.watchdog_s({"WATCHDOG_USEC": "10000000"}, 7) == 2.5
    assert notify.watchdog_s({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "8"}, 7) == 0.0
    assert notify.watchdog_s({"WATCHDOG_USEC": "soon"}, 7) == 0.0
    assert notify.watchdog_s({}, 7) == 0.0


def test_an_event_loop_that_turns_gives_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WATCHDOG=1 comes again and again while the loop turns, and no more once the task is cancelled."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "40000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)

        async def scenario() -> list[bytes]:
            alive = asyncio.create_task(notify.keep_watchdog())
            got = [await asyncio.to_thread(systemd.recv, 100) for _ in range(3)]
            alive.cancel()
            return got

        assert asyncio.run(scenario()) == [b"WATCHDOG=1"] * 3


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody waits for signs of life the task ends at once."""
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    asyncio.run(notify.keep_watchdog())
