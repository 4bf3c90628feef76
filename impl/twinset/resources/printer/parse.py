"""What the tools of the print scheduler say: pure."""

from __future__ import annotations

import re
from typing import Final

RUNS: Final = "scheduler is running"
_DEVICE: Final = re.compile(r"^device for ([^\s:]+): (\S+)$", re.MULTILINE)


def runs(said: str) -> bool:
    """True when the scheduler answered."""
    return any(line.strip() == RUNS for line in said.splitlines())


def devices(said: str) -> dict[str, str]:
    """Return the device of each queue."""
    return dict(_DEVICE.findall(said))
