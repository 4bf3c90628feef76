"""The API's verbs of ARMLOAD and ARMKILL: what is asked is judged whole before anything is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal
from twinset.monitoring.loaded import GRACE_S, GRACE_S_MAX, Order
from twinset.monitoring.restarts import HOURS_MAX, RESTARTS_MAX, Policy
from twinset.shell.paths import PASSWORD_VARIABLE, TOKEN_VARIABLE

if TYPE_CHECKING:
    from twinset.config import ClusterConfig
    from twinset.shell.runtime import Runtime

WATCH_CHARACTERS_MAX: Final = 255
WAIT_S_MAX: Final = 30.0
HOUR_MS: Final = 3_600_000
# What the environment of ARMLOAD may hold and nobody is to keep; a program of root gets the token anew at each start.
SECRETS: Final = frozenset({PASSWORD_VARIABLE, TOKEN_VARIABLE})

VERBS: Final[dict[str, dict[str, tuple[type, bool]]]] = {
    "program.load": {
        "watch": (str, True),
        "group": (str, True),
        "argv": (list, True),
        "service": (bool, False),
        "directory": (str, False),
        "user": (str, False),
        "environment": (dict, False),
        "monitor": (bool, False),
        "restarts": (int, False),
        "reset_hours": (float, False),
        "scripts": (bool, False),
        "failover": (bool, False),
    },
    "program.kill": {"watch": (str, True), "grace_s": (float, False)},
    "program.wait": {"watch": (str, True), "wait_s": (float, False)},
    "program.list": {},
}


async def handle(runtime: Runtime, verb: str, args: dict[str, Any]) -> Any:
    """Answer one of the verbs."""
    programs = runtime.programs
    if verb == "program.load":
        return await programs.load(order_of(runtime.config, args))
    if verb == "program.kill":
        grace_s = float(args.get("grace_s", GRACE_S))
        _within("grace_s", grace_s, GRACE_S_MAX, "6.3-08")
        return await programs.kill(args["watch"], grace_s)
    if verb == "program.wait":
        return await programs.wait(args["watch"], min(WAIT_S_MAX, float(args.get("wait_s", 0))))
    return {"programs": programs.list()}


def order_of(config: ClusterConfig, args: dict[str, Any]) -> Order:
    """Return what is to be loaded; Refusal says which rule is broken."""
    watch = args["watch"]
    if not 1 <= len(watch) <= WATCH_CHARACTERS_MAX:
        raise Refusal("E_LENGTH", f"a watch ID has 1 to {WATCH_CHARACTERS_MAX} characters", "9.2-15")
    if not watch.isprintable():
        raise Refusal("E_CHARSET", f"watch ID {watch!r} has characters that cannot be printed", "9.2-15")
    group = config.group(args["group"])
    argv = args["argv"]
    if not argv or not all(_is_word(word) for word in argv) or not argv[0]:
        raise Refusal("E_RANGE", "a program is a list of words, the first one its name", "9.2-15")
    service = bool(args.get("service"))
    if service and len(argv) != 1:
        raise Refusal("E_RANGE", f"a service has no arguments: {' '.join(argv[1:])}", "6.3-10")
    if service and args.get("user"):
        raise Refusal("E_RANGE", "a service runs as the user of its unit", "6.3-10")
    directory = args.get("directory", "/")
    if not directory.startswith("/") or not _is_word(directory):
        raise Refusal("E_RANGE", f"{directory!r} is no absolute directory", "9.2-15")
    environment = args.get("environment", {})
    if not all(
        _is_word(name) and name and "=" not in name and _is_word(environment[name]) for name in environment
    ):
        raise Refusal("E_RANGE", "environment must map names to texts", "9.2-15")
    user = args.get("user", "")
    if user and user not in {account.name for account in config.accounts}:
        raise Refusal(
            "E_DENIED", f"user {user} is not registered as an account of the cluster", "9.2-03", "[[account]]"
        )
    kept = {name: value for name, value in environment.items() if name not in SECRETS}
    policy = _policy(args)
    if policy.scripts and not group.scripts:
        raise Refusal("E_RANGE", f"group {group.name} has no scripts to run again", "6.3-14")
    return Order(watch, group.name, tuple(argv), service, directory, user, kept, policy)


def _policy(args: dict[str, Any]) -> Policy:
    restarts, hours = args.get("restarts", 0), float(args.get("reset_hours", 24))
    _within("restarts", restarts, RESTARTS_MAX, "6.3-12")
    _within("reset_hours", hours, HOURS_MAX, "6.3-13")
    return Policy(
        monitor=bool(args.get("monitor", True)),
        restarts_max=restarts,
        reset_ms=round(hours * HOUR_MS),
        scripts=bool(args.get("scripts")),
        failover=bool(args.get("failover")),
    )


def _within(name: str, value: float, most: float, clause: str) -> None:
    if not 0 <= value <= most:
        raise Refusal("E_RANGE", f"{name} must be 0 to {most:g}, not {value:g}", clause)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value
