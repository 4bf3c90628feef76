"""The operations of the contract in the reference's words: of the operator's command, and of the daemon's verbs."""

import json
from typing import Any

from harness.adapters.lines import FAILED, REFUSED, UNSUPPORTED, Answer, Args, needed
from harness.run import Result

EXIT_REFUSED = 1

# As words of the operator's command; {x} is an argument, empty ones fall out.
OPERATIONS: dict[str, tuple[str, ...]] = {
    "cluster.start": ("cluster", "start"),
    "cluster.stop": ("cluster", "stop"),
    "server.return": ("server", "return", "{server}"),
    "server.shutdown": ("server", "shutdown", "{server}"),
    "server.isolate": ("server", "isolate", "{server}"),
    "group.start": ("group", "start", "{group}", "{to}"),
    "group.stop": ("group", "stop", "{group}"),
    "group.move": ("group", "move", "{group}", "{to}"),
    "mirror.create": ("mirror", "create", "{set}", "--source", "{source}"),
    "mirror.cancel": ("mirror", "cancel", "{set}"),
    "mirror.permit": ("mirror", "permit", "{set}", "--server", "{server}"),
    "mirror.restrict": ("mirror", "restrict", "{set}", "--server", "{server}"),
    "mirror.forced_permit": ("mirror", "forced-permit", "{set}", "--server", "{server}", "--yes"),
    "mirror.forced_return": ("mirror", "forced-return", "{set}", "--server", "{server}", "--yes"),
}
# Over the daemon's socket: its verbs have the contract's names, and `server` where that says `to`.
CONFIRMED = frozenset({"mirror.forced_permit", "mirror.forced_return"})  # the suite means what it asks
ARGUMENTS = {"server": "server", "group": "group", "to": "server", "set": "set", "source": "source"}


def known(args: Args) -> str:
    """The operation that is asked for; unsupported when there is none of that name."""
    op = str(needed(args, "op"))
    if op not in OPERATIONS:
        raise Answer(UNSUPPORTED, f"no operation {op!r}")
    return op


def words(op: str, args: Args) -> list[str]:
    """The operator's command."""
    given = [str(args.get(word[1:-1], "")) if word.startswith("{") else word for word in OPERATIONS[op]]
    return [word for word in given if word]


def arguments(op: str, args: Args) -> dict[str, Any]:
    """What the daemon's verb is told."""
    given: dict[str, Any] = {name: args[key] for key, name in ARGUMENTS.items() if args.get(key)}
    return {**given, "confirm": True} if op in CONFIRMED else given


def required(result: Result) -> Any:
    """The command's answer, or its refusal as the suite wants it."""
    try:
        answer = json.loads(result.stdout) if result.stdout.strip() else {}
    except ValueError:
        answer = {}
    if result.returncode == 0:
        return answer
    error = answer.get("error", answer) if isinstance(answer, dict) else {}
    error = error if isinstance(error, dict) else {"message": str(error)}
    message = str(error.get("message") or result.stderr.strip() or result.stdout.strip())
    kind = REFUSED if result.returncode == EXIT_REFUSED else FAILED
    raise Answer(kind, message, str(error.get("code", "")))
