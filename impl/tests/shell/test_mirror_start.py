"""The mirror process goes on where its disk does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinset.errors import DiskError
from twinset.shell import mirror_start

if TYPE_CHECKING:
    import pytest


class FakeMirrord:
    """Its first round meets a record that cannot be written."""

    def __init__(self) -> None:
        self.stopping = False
        self.damage, self.disk = "", self
        self.notes: list[str] = []
        self.side = object()
        self.turns = 0

    def rounds(self) -> None:
        self.turns += 1
        if self.turns == 1:
            raise DiskError("/dev/x: Input/output error")
        self.stopping = True


def test_a_record_that_cannot_be_written_does_not_end_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told to the side, as the disk failure it is, and the rounds go on (R10)."""
    told: list[Any] = []
    monkeypatch.setattr(mirror_start.failures, "record_failed", lambda *words: told.append(words))
    daemon: Any = FakeMirrord()
    mirror_start.serve(daemon)
    assert told == [(daemon.side, "/dev/x: Input/output error")]
    assert daemon.turns == 2
