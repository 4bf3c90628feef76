"""Switching the machine off."""

import asyncio

from twinset.shell import power


def test_without_systemd_nothing_is_run() -> None:
    """No program, no result: the machine stays on."""
    assert power.plan(systemd=False, reboot=True) == ()
    assert asyncio.run(power.perform(())) is None


def test_what_is_planned_is_run() -> None:
    """The program's end is the result."""
    outcome = asyncio.run(power.perform(("true",)))
    assert outcome is not None
    assert outcome.ok
