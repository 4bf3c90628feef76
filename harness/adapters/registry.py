"""The adapter's verb `registry`: keys of a server, by the command that scripts use."""

import json
from collections.abc import MutableMapping
from typing import Any

from harness.adapters.lines import FAILED, UNSUPPORTED, Answer, Args, needed
from harness.errors import CommandFailed
from harness.labs.server import Server
from harness.run import Process, kill_group
from harness.wait import wait_for

GET = ("twinset", "registry", "get")
HIVES = "/var/lib/twinset/registry/hives"
E_NOTFOUND = "E_NOTFOUND"


def carry_out(server: Server, args: Args, jobs: MutableMapping[str, Process]) -> dict[str, Any]:
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
        jobs[job] = server.popen(["twinset", "registry", "hold", key, "sleep", "86400"])
        held = server.state_directory / "registry" / "open"
        wait_for(lambda: held.is_dir() and any(held.iterdir()), 30, f"{key} to be open on {server.name}")
        return {}
    if action == "close":
        if job not in jobs:
            raise Answer(FAILED, f"{key} is not open", "E_STATE")
        kill_group(jobs.pop(job))
        return {}
    raise Answer(UNSUPPORTED, f"no action {action!r} of registry")


def _run(server: Server, *words: str) -> Any:
    """Run the command; None when there is no such key or value."""
    result = server.twinset_result("registry", *words)
    answer = json.loads(result.stdout) if result.stdout.strip() else {}
    if result.returncode == 0:
        return answer
    if answer.get("error", answer).get("code") == E_NOTFOUND:
        return None
    raise CommandFailed(f"twinset registry {' '.join(words)}: {result.stdout}{result.stderr}")


def _hive(server: Server, key: str) -> str | None:
    """The file of the key on the server, as the server names it."""
    folder = server.state_directory / "registry" / "hives"
    for file in folder.glob("*.json") if folder.is_dir() else ():
        if json.loads(file.read_text())["key"] == key.upper():
            return f"{HIVES}/{file.name}"
    return None
