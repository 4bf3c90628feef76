"""All processes that came from one program: found by a mark in their environment, and by its session.

The mark also finds a process that made a session of its own (a daemon that went into the background) or whose
parent is gone; the session finds one that cleared its environment. A process that does both has escaped.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Final

from twinset.shell import clock, run

MARK: Final = "TWINSET_PROGRAM"
LOOK_S: Final = 0.1
KILL_S: Final = 5.0


def start_ticks(pid: int) -> int:
    """Return when a process started (ticks since boot); 0 when it is gone. Pids are reused, pairs are not."""
    fields = run.stat_fields(pid)
    return int(fields[19]) if fields else 0


def is_same(pid: int, ticks: int) -> bool:
    """True while exactly that process runs."""
    return pid > 0 and ticks > 0 and start_ticks(pid) == ticks


def members(mark: str, leader: int = 0, ticks: int = 0) -> list[int]:
    """Return every living process with that mark, or in the session of that leader."""
    reused = leader > 0 and start_ticks(leader) not in (0, ticks)  # then the session is a stranger's
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        pid = int(entry.name)
        fields = run.stat_fields(pid)
        if fields and ((leader > 0 and not reused and int(fields[3]) == leader) or _has(pid, wanted)):
            found.append(pid)
    return found


def leader_of(mark: str) -> tuple[int, int]:
    """Return pid and start of the first process with that mark that leads its session; (0, 0) without one."""
    leaders = []
    for pid in members(mark):
        fields = run.stat_fields(pid)
        if fields and int(fields[3]) == pid:
            leaders.append((int(fields[19]), pid))
    ticks, pid = min(leaders, default=(0, 0))
    return pid, ticks


async def end(mark: str, leader: int, ticks: int, grace_s: float) -> list[int]:
    """End them all: SIGTERM, and after the grace SIGKILL; return those that are left."""
    deadline_ms = clock.now_ms() + int(grace_s * 1000)
    told: set[int] = set()
    while left := await _look(mark, leader, ticks):
        if clock.now_ms() >= deadline_ms:
            break
        _signal(set(left) - told, signal.SIGTERM)
        told |= set(left)
        await clock.pause(LOOK_S)
    deadline_ms = clock.now_ms() + int(KILL_S * 1000)
    while left := await _look(mark, leader, ticks):
        if clock.now_ms() >= deadline_ms:
            return left
        _signal(set(left), signal.SIGKILL)
        await clock.pause(LOOK_S)
    return []


async def _look(mark: str, leader: int, ticks: int) -> list[int]:
    """Look beside the daemon's loop: a machine may have thousands of processes."""
    return await asyncio.to_thread(members, mark, leader, ticks)


def _signal(pids: set[int], number: int) -> None:
    for pid in pids:
        run.reap(pid)
        with contextlib.suppress(PermissionError):
            run.signal_process(pid, number)


def _has(pid: int, wanted: bytes) -> bool:
    try:
        return wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
