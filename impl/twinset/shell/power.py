"""Switching the machine off or starting it again: by systemd, where systemd runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from twinset.shell import run

if TYPE_CHECKING:
    from collections.abc import Sequence

SYSTEMD: Final = Path("/run/systemd/system")  # there exactly when systemd is the machine's init: sd_booted(3)
POWER_S: Final = 60.0


def systemd_runs() -> bool:
    """True when systemd runs this machine (and not, say, a container's own first process)."""
    return SYSTEMD.is_dir()


def plan(*, systemd: bool, reboot: bool) -> tuple[str, ...]:
    """Return the program that ends this machine's run; empty when there is none."""
    if not systemd:
        return ()
    return ("systemctl", "reboot" if reboot else "poweroff")


def said(act: Sequence[str]) -> str:
    """What the machine is going to do, for people."""
    if not act:
        return "stays on (no systemd here)"
    return "starts again" if act[-1] == "reboot" else "powers off"


async def perform(act: Sequence[str]) -> run.Result | None:
    """Do it; None when there is nothing to do."""
    return await run.run(act, timeout_s=POWER_S) if act else None
