"""What the tools of the print scheduler say: pure."""

from __future__ import annotations

import re
from typing import Final

RUNS: Final = "scheduler is running"
NOT_HEARD: Final = "Unable to open listen socket"
_DEVICE: Final = re.compile(r"^device for ([^\s:]+): (\S+)$", re.MULTILINE)


def runs(said: str) -> bool:
    """True when the scheduler answered."""
    return any(line.strip() == RUNS for line in said.splitlines())


def not_listening(log: str) -> str:
    """Return the line of the log that says at which address the scheduler does not listen; "" when there is none."""
    return next((line for line in log.splitlines() if NOT_HEARD in line), "")


def devices(said: str) -> dict[str, str]:
    """Return the device of each queue."""
    return dict(_DEVICE.findall(said))
