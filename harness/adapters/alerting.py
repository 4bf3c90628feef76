"""Who is told of events: a program on each server that notes the numbers of what it was told (capability `alerts`)."""

import contextlib
import json
from typing import Any

from harness.errors import WaitTimeout
from harness.labs.choice import AnyServer
from harness.wait import wait_for

HOOK = "/etc/twinset/scripts/conformance-alert"
NUMBERS = "/var/lib/twinset/conformance-alerts"
SO_FAR = "/var/lib/twinset/alerts.json"  # how far the daemon has got with telling
TEXT = f'#!/bin/sh\necho "$TWINSET_NUMBER" >> {NUMBERS}\n'
CONFIGURATION = {"hook_warning": HOOK, "hook_error": HOOK}
TELLING_S = 10.0


def marked(server: AnyServer) -> list[dict[str, Any]]:
    """The entries of a server's event log, with `alert` where somebody was told of it."""
    log = server.events()
    last = max((int(event["seq"]) for event in log), default=0)
    if server.powered:
        with contextlib.suppress(WaitTimeout):  # a daemon that is down tells later
            wait_for(lambda: _so_far(server) >= last, TELLING_S, f"{server.name} to tell of entry {last}")
    told = {int(word) for word in (server.read_file(NUMBERS) or "").split() if word.isdigit()}
    return [{**event, "server": server.name, "alert": event["seq"] in told} for event in log]


def _so_far(server: AnyServer) -> int:
    try:
        return int(json.loads(server.read_file(SO_FAR) or "{}").get("told", 0))
    except ValueError:
        return 0
