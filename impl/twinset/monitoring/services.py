"""A service as systemd knows it: what to run, what came back (6.3-10). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# SERVICE_STOPPED and abnormal termination [6.3-10]; a unit that is starting or stopping is in neither.
FAULTS: Final = {"inactive": "is stopped", "failed": "ended abnormally"}
PROPERTIES: Final = ("LoadState", "ActiveState", "SubState", "Result")


@dataclass(frozen=True, slots=True)
class State:
    """What systemd says of a unit."""

    load: str
    active: str
    sub: str
    result: str

    @property
    def fault(self) -> str:
        """What is wrong with it, "" when it runs or is on its way."""
        if self.active not in FAULTS:
            return ""
        return f"{FAULTS[self.active]} ({self.active}, {self.sub}, {self.result})"


def act(verb: str, unit: str) -> list[str]:
    """Start, restart or stop a unit and wait for it. `--` because the name comes from a script's words."""
    return ["systemctl", "--no-ask-password", verb, "--", unit]


def show(unit: str) -> list[str]:
    """Ask for its state."""
    return ["systemctl", "show", f"--property={','.join(PROPERTIES)}", "--", unit]


def parse(text: str) -> State | None:
    """Read the answer to `show`; None when it is none."""
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if any(name not in found for name in PROPERTIES):
        return None
    return State(*(found[name] for name in PROPERTIES))
