"""The adapter's verb `registry`: keys of a server, by the command that scripts use."""

import json
from collections.abc import MutableMapping
from typing import Any

from harness.adapters.lines import FAILED, UNSUPPORTED, Answer, Args, needed
from harness.errors import CommandFailed
from harness.labs.asking import Asking, Job
from harness.wait import wait_for

GET = ("twinset", "registry", "get")
HIVES = "/var/lib/twinset/registry/hives"
OPEN = "/var/lib/twinset/registry/open"
E_NOTFOUND = "E_NOTFOUND"


def carry_out(server: Asking, args: Args, jobs: MutableMapping[str, Job]) -> dict[str, Any]:
    """Do what is asked with a key."""
    key, action = str(needed(args, "key")), needed(args, "action")
    job = f"open {server.name} {key}"
    if action == "set":
        _run(server, "set", key, str(needed(args, "name")), str(needed(args, "data")))
        return {}
    if action == "get":
        found = _run(server, "get", key, str(needed(args, "name")))
        return {"data": None if found is None else str(found["data"])}
    if action == "hive":
        return {"file": _hive(server, key)}
    if action == "open":
        jobs[job] = server.start_job(["twinset", "registry", "hold", key, "sleep", "86400"])
        wait_for(lambda: server.names_in(OPEN), 30, f"{key} to be open on {server.name}")
        return {}
    if action == "close":
        if job not in jobs:
            raise Answer(FAILED, f"{key} is not open", "E_STATE")
        jobs.pop(job).stop()
        return {}
    raise Answer(UNSUPPORTED, f"no action {action!r} of registry")


def _run(server: Asking, *words: str) -> Any:
    """Run the command; None when there is no such key or value."""
    result = server.twinset_result("registry", *words)
    answer = json.loads(result.stdout) if result.stdout.strip() else {}
    if result.returncode == 0:
        return answer
    if answer.get("error", answer).get("code") == E_NOTFOUND:
        return None
    raise CommandFailed(f"twinset registry {' '.join(words)}: {result.stdout}{result.stderr}")


def _hive(server: Asking, key: str) -> str | None:
    """The file of the key on the server, as the server names it."""
    for name in server.names_in(HIVES):
        text = server.read_file(f"{HIVES}/{name}") if name.endswith(".json") else None
        if text and json.loads(text)["key"] == key.upper():
            return f"{HIVES}/{name}"
    return None
