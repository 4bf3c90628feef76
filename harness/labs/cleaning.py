"""Removes what killed runs left: only what carries a run's own marks, never by name."""

import contextlib
import os
import shutil
import signal
from pathlib import Path

from harness.errors import LabError
from harness.labs import processes, state
from harness.wait import wait_for


def is_orphan(lab_state: state.LabState) -> bool:
    """True for a run whose owner has died and that was not meant to stay, or whose keeper is gone."""
    if lab_state.kept:
        return lab_state.keeper is None or not lab_state.keeper.alive
    return not lab_state.owner.alive


def remove(directory: Path, run_id: str) -> list[str]:
    """Kill what has the run's mark, detach its loop devices, remove its directory; say what was done."""
    done = []
    pids = processes.marked(run_id)
    loops = processes.loops_on(_own_devices(pids), _images(directory))
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            done.append(f"killed process {pid}")
    wait_for(lambda: not processes.marked(run_id), 30, f"the processes of run {run_id} to die")
    for device in loops:
        processes.detach(device)
        done.append(f"detached {device}")
    shutil.rmtree(directory, ignore_errors=True)
    done.append(f"removed {directory}")
    return done


def clean() -> list[str]:
    """Remove every orphaned run of this machine."""
    done = []
    for directory in state.runs():
        with contextlib.suppress(LabError):
            lab_state = state.load(directory)
            if is_orphan(lab_state):
                done += remove(directory, lab_state.run_id)
    return done


def _own_devices(pids: list[int]) -> set[int]:
    """FUSE file systems that only the run's processes see."""
    return processes.fuse_devices(pids) - processes.fuse_devices([os.getpid()])


def _images(directory: Path) -> set[processes.Inode]:
    return {(s.st_dev, s.st_ino) for s in (image.stat() for image in directory.glob("*/disk*.img"))}
