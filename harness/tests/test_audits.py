"""The audit of leftovers knows what stays from what passes."""

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import audits
from harness.errors import AuditFailed
from harness.labs import processes


@pytest.fixture
def destroyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A lab that is gone, as far as the audit asks."""
    monkeypatch.setattr(processes, "marked", lambda run_id: [])
    monkeypatch.setattr(audits, "ORPHANS_GO_S", 0.2)
    return SimpleNamespace(
        state=SimpleNamespace(run_id="r"), known_devices={7}, directory=tmp_path / "removed"
    )


def test_a_loop_device_of_a_lab_that_reuses_a_number_is_no_leftover(
    destroyed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop device that is orphaned at one look and not at the next belongs to another lab."""
    looks = [["/dev/loop2"], []]
    monkeypatch.setattr(audits, "orphan_loops", lambda devices: looks.pop(0))
    assert audits.no_leftovers(destroyed).require().looked_at


def test_a_loop_device_that_stays_is_a_leftover(destroyed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop device that no look finds a file system for is reported."""

    def stays(devices: Iterable[int]) -> list[str]:
        return ["/dev/loop2"] if set(devices) == {7} else []

    monkeypatch.setattr(audits, "orphan_loops", stays)
    with pytest.raises(AuditFailed, match="/dev/loop2"):
        audits.no_leftovers(destroyed).require()
