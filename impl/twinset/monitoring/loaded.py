"""One program or service that ARMLOAD has started: what was asked, and what has become of it. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from .restarts import Count, Policy

GRACE_S: Final = 60  # from SIGTERM to SIGKILL, where ARMKILL says nothing else
GRACE_S_MAX: Final = 3600


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked of ARMLOAD; a service has its unit's name as the only word of `argv`."""

    watch: str
    group: str
    argv: tuple[str, ...]
    service: bool = False
    directory: str = "/"
    user: str = ""  # "": the daemon's own
    environment: dict[str, str] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)

    @property
    def key(self) -> str:
        """Watch IDs are case-insensitive and unique on a server (9.2-15)."""
        return self.watch.casefold()


@dataclass(slots=True)
class Loaded:
    """An order and its process; kept in a file, so that the next twinsetd of this boot goes on watching.

    `mark` is in the environment of every process that came from it. `pid` 0: it does not run, or it is not
    known yet under which pid; `ticks` is when that process started, because pids are used again.
    """

    order: Order
    mark: str
    count: Count = field(default_factory=Count)
    pid: int = 0
    ticks: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self)


def from_json(value: Any) -> Loaded | None:
    """Return what was kept; None when it cannot be read."""
    try:
        order = {**value["order"], "argv": tuple(value["order"]["argv"])}
        order["policy"] = Policy(**order["policy"])
        count = Count(**value["count"])
        return Loaded(Order(**order), str(value["mark"]), count, int(value["pid"]), int(value["ticks"]))
    except (KeyError, TypeError, ValueError):
        return None
