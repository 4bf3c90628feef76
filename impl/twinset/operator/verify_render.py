"""How a comparison of both sides looks to a person, and how one is followed to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from twinset.operator import progress
from twinset.operator.units import mib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from twinset.operator.client import Client

RANGES_SHOWN: Final = 20
OPEN: Final = ("running", "repairing")


def asked(mirror_set: str, *, stopped: bool) -> Callable[[Any], None]:
    """Return what shows that a comparison begins, or ends before its end."""

    def shower(_result: Any) -> None:
        console = Console()
        if stopped:
            console.print(Text(f"The comparison of {mirror_set} is stopped."))
        else:
            console.print(Text(f"Both sides of {mirror_set} are being compared."))
            console.print(Text(f"watch:   twinset mirror status {mirror_set}"))

    return shower


def follow(client: Client, mirror_set: str, *, quiet: bool) -> dict[str, Any]:
    """Return the status of the set once its comparison has ended, however long it has to wait meanwhile."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
    )
    seen = client.call("events", since=progress.EVERY_EVENT)["last"]
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bars:
        bar = bars.add_task(f"{mirror_set}: comparing", total=None)
        while True:
            status = progress.one_set(client, mirror_set)
            job = status.get("verify") or {}
            if job.get("state") not in OPEN:
                return status
            word = "repairing" if job["state"] == "repairing" else job["waits"] or "comparing"
            bars.update(
                bar,
                description=f"{mirror_set}: {word}",
                total=job.get("bytes_total"),
                completed=job.get("bytes_done", 0),
            )
            seen = client.call("events", since=seen, wait_s=progress.POLL_S)["last"]


def ended(status: Mapping[str, Any]) -> None:
    """Show what a comparison has come to."""
    console = Console()
    console.print(Text(sentence(status["verify"])), soft_wrap=True)
    for line in places(status["verify"]["ranges"], status.get("partitions") or []):
        console.print(Text(f"  {line}"))


def sentence(job: Mapping[str, Any]) -> str:
    """Return a comparison in one line: how far it is, or what came of it."""
    done, total, found = int(job["bytes_done"]), int(job["bytes_total"]), int(job["found_bytes"])
    differ = f"{found} bytes differ" if found else "no difference"
    if job["state"] in OPEN:
        percent = 100 * done // total if total else 100
        left = job.get("left_s")
        rest = f", {float(left):.0f} s left" if isinstance(left, (int, float)) else ""
        how = job["waits"] or f"{mib(job.get('rate_bytes_s'))}/s{rest}"
        word = "repairing after" if job["state"] == "repairing" else "verify"
        return f"{word} {percent} % of {mib(total)} ({how}), {differ}"
    if job["state"] == "stopped":
        return f"verify stopped after {mib(done)}: {job['reason']}; {differ}"
    if job["repaired"]:
        return f"verify: {found} bytes differed and were copied from the side that writes"
    return f"verify: {mib(total)} compared, {differ}"


def places(ranges: Sequence[Sequence[int]], partitions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield ranges of the mirrored area as places in the lettered partitions."""
    for offset, length in ranges[:RANGES_SHOWN]:
        letter, start = "disk", 0
        for part in partitions:
            if part["start"] <= offset < part["start"] + part["length"]:
                letter, start = part["letter"], part["start"]
        yield f"{letter}: {length} bytes at {offset - start}"
    if len(ranges) > RANGES_SHOWN:
        yield f"and {len(ranges) - RANGES_SHOWN} more ranges (--json shows them)"
