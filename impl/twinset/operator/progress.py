"""Follows a rebuild until both sides are equal, with a progress bar."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from twinset.errors import Refusal

if TYPE_CHECKING:
    from twinset.operator.client import Client

POLL_S: Final = 0.25  # or earlier, when something happens
EVERY_EVENT: Final = 1 << 62
# A copy that has not begun after this long will not begin by itself.
IDLE_S_MAX: Final = 120.0


def follow(client: Client, mirror_set: str, *, quiet: bool) -> Any:
    """Return the status of the set once it is redundant; Refusal when the copy stopped."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    idle_since = time.monotonic()
    seen = client.call("events", since=EVERY_EVENT)["last"]
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bars:
        bar = bars.add_task(f"{mirror_set}: waiting", total=None)
        while True:
            status = one_set(client, mirror_set)
            copy = status.get("copy")
            if copy:
                idle_since = time.monotonic()
                bars.update(
                    bar,
                    description=f"{mirror_set}: {copy.get('mode', 'copy')}",
                    total=copy.get("bytes_total"),
                    completed=copy.get("bytes_done", 0),
                )
            elif status.get("redundant"):
                return status
            elif time.monotonic() - idle_since > IDLE_S_MAX:
                raise Refusal(
                    "E_STATE",
                    f"mirror set {mirror_set} is {status.get('state')} and no copy runs",
                    help="twinset events shows why",
                )
            seen = client.call("events", since=seen, wait_s=POLL_S)["last"]


def one_set(client: Client, mirror_set: str) -> dict[str, Any]:
    """Return the status of one mirror set; Refusal when there is none of that name."""
    sets = client.call("cluster.status").get("mirror_sets", {})
    for name, status in sets.items():
        if name.casefold() == mirror_set.casefold():
            return dict(status)
    raise Refusal("E_NOTFOUND", f"no mirror set {mirror_set}", help="twinset mirror status")
