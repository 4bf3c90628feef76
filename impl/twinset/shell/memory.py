"""Safety of a process that serves a disk which its own machine may write back to.

When memory is short the kernel writes dirty pages to free it; those writes come to this process, which must
not need new memory to answer them. So its pages stay in memory, its allocations do not wait for its own
disk, and it is the last one to be killed. None of that is vital: each refusal is returned, to be logged.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MCL_CURRENT: Final = 1
MCL_FUTURE: Final = 2
MCL_ONFAULT: Final = 4  # lock a page when it is first used, instead of bringing in everything that is mapped
PR_SET_IO_FLUSHER: Final = 57
PR_GET_IO_FLUSHER: Final = 58
OOM_SCORE_ADJ_NEVER: Final = -1000
OOM_SCORE_ADJ_ORDINARY: Final = 0

_libc: Final = ctypes.CDLL(None, use_errno=True)
_oom_score_adj: Final = Path("/proc/self/oom_score_adj")


def lock_memory() -> str:
    """Keep every page of this process in memory, now and later. Return "" or why it was refused."""
    if _libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT):
        return f"mlockall: {os.strerror(ctypes.get_errno())} (needs CAP_IPC_LOCK or a higher memlock limit)"
    return ""


def unlock_memory() -> None:
    """Take `lock_memory` back."""
    _libc.munlockall()


def declare_io_flusher() -> str:
    """Tell the kernel that its write-back depends on this process. Return "" or why it was refused."""
    zero = ctypes.c_ulong(0)
    if _libc.prctl(PR_SET_IO_FLUSHER, ctypes.c_ulong(1), zero, zero, zero):
        # Without it the kernel lets a process of a full version-1 memory group wait for write-back: for itself.
        return (
            f"PR_SET_IO_FLUSHER: {os.strerror(ctypes.get_errno())} (needs CAP_SYS_RESOURCE; without it a limit"
            " on a version-1 memory group that holds this process and writers to its disk is a deadlock)"
        )
    return ""


@contextlib.contextmanager
def ordinary_child() -> Iterator[None]:
    """Within, a child is started that does not inherit what protects a block server: it is none.

    A database that a start script leaves running has to be there for the kernel to kill, before this process.
    """
    zero = ctypes.c_ulong(0)
    declared = _libc.prctl(PR_GET_IO_FLUSHER, zero, zero, zero, zero) == 1
    score = oom_score()
    if declared:
        _libc.prctl(PR_SET_IO_FLUSHER, zero, zero, zero, zero)
    if score < OOM_SCORE_ADJ_ORDINARY:
        avoid_oom_kill(OOM_SCORE_ADJ_ORDINARY)
    try:
        yield
    finally:
        if declared:
            declare_io_flusher()
        if score < OOM_SCORE_ADJ_ORDINARY:
            avoid_oom_kill(score)


def oom_score() -> int:
    """How willingly the kernel kills this process for memory: -1000 never, 0 as any other."""
    try:
        return int(_oom_score_adj.read_text())
    except (OSError, ValueError):
        return OOM_SCORE_ADJ_ORDINARY


def avoid_oom_kill(score: int = OOM_SCORE_ADJ_NEVER) -> str:
    """Ask not to be killed for memory. Return "" or why it was refused."""
    try:
        _oom_score_adj.write_text(str(score))
    except OSError as error:
        return f"oom_score_adj: {error.strerror}"
    return ""


def protect_process() -> list[str]:
    """Do all of the above; return the refusals."""
    return [refusal for refusal in (lock_memory(), declare_io_flusher(), avoid_oom_kill()) if refusal]
