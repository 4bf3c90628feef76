"""Making a machine new begins with one that runs and stays."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.labs import fresh


class Machine:
    """Is on its way down when it is found: it answers, then loses its power."""

    name = "server1"

    def __init__(self, *, paused: bool = False) -> None:
        self.paused = paused
        self.did: list[str] = []
        self.left = 2

    @property
    def powered(self) -> bool:
        """Until it has gone down, and again once it was given power."""
        return self.left > 0 or "boot" in self.did

    def resume(self) -> None:
        """It runs on."""
        self.paused = False

    def boot(self) -> None:
        """Give it power."""
        self.did.append("boot")

    def answers(self) -> bool:
        """Also on its way down."""
        return self.powered

    def run(self, argv: Any, *, check: bool) -> Any:
        """systemd's word for the state of the machine."""
        assert (tuple(argv), check) == (fresh.STATE, False)
        self.left -= 1
        return SimpleNamespace(stdout="running\n" if "boot" in self.did else "stopping\n")

    def await_up(self) -> None:
        """It is up."""
        self.did.append("up")


@pytest.mark.parametrize("paused", [False, True])
def test_a_machine_that_was_going_down_is_given_power(monkeypatch: pytest.MonkeyPatch, paused: bool) -> None:
    """Failed before: it was waited for, for five minutes, without ever getting power (a case of `ARMRSP /S`)."""
    made = Machine(paused=paused)
    monkeypatch.setattr("harness.wait.time.sleep", lambda _s: None)
    fresh.powered(made)  # type: ignore[arg-type]
    assert made.did == ["boot", "up"]
