"""What an operator does with a server, its daemon running or not: partitions, removal, start by hand, boot."""

import json
from typing import Any

from harness.adapters import operations
from harness.adapters.lines import REFUSED, Answer, Args, needed
from harness.labs.choice import AnyLab, AnyServer
from harness.labs.pair import await_answers
from harness.labs.server import Server
from harness.run import Result

CLUSTER_MIB = 4


def partition(server: AnyServer, args: Args) -> dict[str, Any]:
    """Write a new table onto the server's first disk; what lies there goes, as the suite means what it asks."""
    sizes = ",".join(f"{int(mib)}M" for mib in needed(args, "data_mib", list))
    words = ("disk", "prepare", server.disk_path, "--cluster-mib", str(CLUSTER_MIB), "--data", sizes, "--yes")
    result = server.twinset_result(*words)
    names = _useful(result)
    if names:
        result = server.twinset_result(*words, "--discard", names)
    operations.required(result)
    return {}


def may_be_removed(server: AnyServer, _args: Args) -> dict[str, Any]:
    """Whether the software may be removed; the first of what stands against it is the refusal. Nothing is removed."""
    result = server.twinset_result("uninstall", "check")
    try:
        obstacles = json.loads(result.stdout)["obstacles"]
    except (ValueError, KeyError, TypeError):
        operations.required(result)
        obstacles = []
    for each in obstacles:
        raise Answer(REFUSED, str(each["text"]), str(each["code"]))
    return {}


def _useful(result: Result) -> str:
    """The names of what lies on the disk, when that is all the refusal is about."""
    try:
        error = json.loads(result.stdout)
    except ValueError:
        return ""
    return str(error.get("error", error).get("help", "")).partition("--discard ")[2]


def service(server: AnyServer, args: Args) -> dict[str, Any]:
    """Let the daemon start with its server or by hand only; whether it runs."""
    if "start" in args and isinstance(server, Server):
        server.by_hand = args["start"] == "manual"
    return {"running": server.daemon_answers()}


def boot_both(lab: AnyLab) -> dict[str, Any]:
    """Cut the power of both servers and give it again; their cluster was stopped before."""
    for server in lab.servers:
        lab.power_off(server)
    for server in lab.servers:
        lab.power_on(server)
    await_answers(s for s in lab.servers if not (isinstance(s, Server) and s.by_hand))
    return {}
