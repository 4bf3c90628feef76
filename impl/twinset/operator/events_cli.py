"""`twinset events` and `twinset alerts`: the event log of this server, all of it or what somebody has to look at."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from twinset.operator import render
from twinset.operator.talk import Json, guarded, show

if TYPE_CHECKING:
    from collections.abc import Collection

    from twinset.operator.client import Client

ALL: Final = frozenset({"info", "warning", "error"})
FOLLOW_S: Final = 20.0

Follow = Annotated[bool, typer.Option("--follow", help="go on showing what happens")]
Since = Annotated[int, typer.Option(help="number of the last event already seen")]


def events(follow: Follow = False, since: Since = 0, as_json: Json = False) -> None:
    """Show this server's event log."""
    guarded(lambda client: _show(client, since, ALL, follow=follow, as_json=as_json), as_json)


def alerts(
    follow: Follow = False,
    since: Since = 0,
    warnings: Annotated[bool, typer.Option("--warnings", help="warnings too")] = False,
    as_json: Json = False,
) -> None:
    """Show what somebody has to look at: events of severity error, each with its remedy."""
    wanted = ALL - {"info"} if warnings else {"error"}
    guarded(lambda client: _show(client, since, wanted, follow=follow, as_json=as_json), as_json)


def _show(client: Client, since: int, wanted: Collection[str], *, follow: bool, as_json: bool) -> None:
    if as_json and not follow:
        result = client.call("events", since=since)
        kept = [event for event in result["events"] if event["severity"] in wanted]
        show({**result, "events": kept}, render.events, as_json)
        return
    while True:
        result = client.call("events", since=since, wait_s=FOLLOW_S if follow else 0.0)
        for event in result["events"]:
            if event["severity"] not in wanted:
                continue
            if as_json:
                sys.stdout.write(json.dumps(event) + "\n")
            else:
                render.event(event)
        sys.stdout.flush()
        since = int(result["last"])
        if not follow and not result["events"]:
            return
