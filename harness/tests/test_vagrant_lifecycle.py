"""Vagrant's life cycle of the machines, with a Vagrant that is played by the test."""

from collections.abc import Iterator
from typing import Any

import pytest

from harness.errors import LabError

pytest.importorskip("vagrant", reason="needs the extra vms")

import vagrant

from harness.vagrant import lifecycle


class Played:
    """Says what it is told to."""

    def __init__(self, **states: str) -> None:
        self.states = states
        self.did: list[str] = []

    def up(self, **_: Any) -> Iterator[str]:
        self.did.append("up")
        return iter(
            ["==> server1: Importing\n", "\x1b[KProgress: 1%\rProgress: 2%\n", "\n", "==> server1: up\n"]
        )

    def destroy(self) -> None:
        self.did.append("destroy")

    def status(self) -> list[vagrant.Status]:
        return [vagrant.Status(name, state, "libvirt") for name, state in self.states.items()]


def test_what_vagrant_says_is_passed_on_without_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line but progress bars and empty ones is printed as it comes."""
    lifecycle.up(Played(server1="running", server2="running"))
    assert capsys.readouterr().out == "==> server1: Importing\n==> server1: up\n"


def test_a_machine_that_does_not_run_after_up_is_an_error() -> None:
    """The message names the machine and its state."""
    with pytest.raises(LabError, match="server2 is shutoff"):
        lifecycle.up(Played(server1="running", server2="shutoff"))


def test_a_machine_that_is_left_after_destroy_is_an_error() -> None:
    """Destroy is believed only when nothing is left; machines of others do not count."""
    lifecycle.destroy(Played(server1="not_created", server2="not_created", other="running"))
    with pytest.raises(LabError, match="server1 is running"):
        lifecycle.destroy(Played(server1="running", server2="not_created"))
