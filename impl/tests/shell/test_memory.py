import ctypes
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from twinset.shell import memory


def in_child(check: Callable[[], bool]) -> bool:
    """Run `check` in a process of its own: what it changes about the process ends with it."""
    child = os.fork()
    if not child:
        outcome = 1
        try:
            outcome = 0 if check() else 1
        finally:
            os._exit(outcome)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def locked_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmLck:")[1].split()[0])


def test_locking_is_done_or_explained() -> None:
    """Either pages are locked, or the refusal names the right that is missing."""

    def check() -> bool:
        refusal = memory.lock_memory()
        if refusal:
            return "CAP_IPC_LOCK" in refusal
        locked = locked_kib()
        memory.unlock_memory()
        return locked > 0 and locked_kib() == 0

    assert in_child(check)


def test_each_protection_is_done_or_explained() -> None:
    """A refusal is one line of text; none is an exception."""

    def check() -> bool:
        refusals = memory.protect_process()
        return len(refusals) <= 3 and all(":" in refusal for refusal in refusals)

    assert in_child(check)


def test_the_kernels_refusals_name_the_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What failed and why, for the log."""

    class Refusing:
        def mlockall(self, *_: object) -> int:
            ctypes.set_errno(1)
            return -1

        prctl = mlockall

    monkeypatch.setattr(memory, "_libc", Refusing())
    monkeypatch.setattr(memory, "_oom_score_adj", tmp_path)
    assert [refusal.split(":")[0] for refusal in memory.protect_process()] == [
        "mlockall",
        "PR_SET_IO_FLUSHER",
        "oom_score_adj",
    ]


@pytest.mark.parametrize(("own", "of_the_child"), [(-1000, 0), (0, 0), (300, 300)])
def test_a_child_does_not_inherit_that_it_is_never_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: int, of_the_child: int
) -> None:
    """What a script leaves running is killed for memory before the daemon; the daemon's own score comes back."""
    file = tmp_path / "oom_score_adj"
    file.write_text(f"{own}\n")
    monkeypatch.setattr(memory, "_oom_score_adj", file)
    with memory.ordinary_child():
        assert memory.oom_score() == of_the_child
    assert memory.oom_score() == own


def test_a_machine_without_oom_scores_is_no_obstacle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the file the score counts as any other's, and children are started all the same."""
    monkeypatch.setattr(memory, "_oom_score_adj", tmp_path / "none" / "oom_score_adj")
    with memory.ordinary_child():
        assert memory.oom_score() == memory.OOM_SCORE_ADJ_ORDINARY
