"""How a divergence, and what each way out of it means, look to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from twinset.operator import verify_render
from twinset.operator.units import at_time, mib

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def written(side: Mapping[str, Any]) -> str:
    """Return what one side wrote since the split, in a line."""
    if not side["known"]:
        return "nobody knows what was written (its difference was lost): anything up to the whole disk"
    times = f"alone since {at_time(side['since_s'])}, last written {at_time(side['last_s'])}"
    return f"{mib(side['bytes'])} in {side['ranges_count']} ranges, {times}"


def diverged(sides: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line a server: what it wrote, which is what giving it up discards."""
    for server, side in sides.items():
        given_up = " (given up, not yet overwritten)" if side["given_up"] else ""
        yield f"{server}{given_up} wrote, and would lose: {written(side)}"


def plan(result: Mapping[str, Any]) -> None:
    """Show what a choice means."""
    console = Console()
    keep, loser, kept = result["keep"], result["give_up"], result["kept"]
    lines = [
        f"Keeping {keep} discards what {loser} wrote: {written(result['servers'][loser])}",
        *(f"  {line}" for line in _places(result, loser)),
        f"{keep} wrote, and keeps: {written(result['servers'][keep])}",
        f"copied:  {mib(result['copy_bytes'])} ({result['mode']}: {result['reason']})",
        f"kept on {loser}: {mib(kept['bytes'])} ({_SCOPES[kept['scope']]}); room: {mib(kept['room_bytes'])}",
    ]
    if kept["room_bytes"] is not None and kept["bytes"] > kept["room_bytes"]:
        lines.append(f"There is no room for that on {loser}: make room, or add --discard.")
    lines.append(f"do it:   twinset mirror resolve {result['set']} --keep {keep}")
    for line in lines:
        console.print(Text(line), soft_wrap=True)


_SCOPES = {
    "union": "everything that differs",
    "own": "what was written there",
    "all": "the whole side, as nobody knows what differs",
}


def _places(result: Mapping[str, Any], server: str) -> Iterator[str]:
    return verify_render.places(result["servers"][server]["ranges"], result["partitions"])


def resolved(result: Mapping[str, Any]) -> None:
    """Show what was done."""
    console = Console()
    lines = [f"{result['keep']} is kept; {result['give_up']} is brought up to it ({result['mode']} copy)."]
    if result.get("file"):
        lines.append(f"kept:    {result['file']} on {result['give_up']} (twinset mirror kept list)")
    lines.append(f"watch:   twinset mirror status {result['set']}")
    for line in lines:
        console.print(Text(line), soft_wrap=True)
