"""The verbs of the API: which arguments they take, and who answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.config import changes, lineage, password
from twinset.config.cluster import same_name
from twinset.errors import Refusal
from twinset.shell import clock, control_channel, guard, mirror_admin, program_verbs, read_devices
from twinset.shell.configure import Asked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from twinset.shell.daemon import Daemon
    from twinset.shell.runtime import Runtime

EVENTS_MAX: Final = 1000
WAIT_S_MAX: Final = 30.0
TAKE_UP_S_MAX: Final = 30.0  # ending the mirror processes of the former configuration takes its time

# Verbs that the cluster core answers, with their arguments: name -> (type, required).
CORE: Final[dict[str, dict[str, tuple[type, bool]]]] = {
    "cluster.start": {},
    "cluster.stop": {},
    "cluster.status": {},
    "server.return": {"server": (str, False)},
    "server.shutdown": {"server": (str, False)},
    "server.isolate": {"server": (str, True)},
    "group.failover": {"group": (str, True), "server": (str, False), "reason": (str, False)},
    "message.broadcast": {"text": (str, True), "group": (str, False), "here": (bool, False)},
    "lan.probe": {"server": (str, False), "targets": (list, False)},
    "share.report": {
        "share": (str, True),
        "address": (str, True),
        "accessible": (bool, True),
        "reason": (str, False),
        "group": (str, False),
    },
    "name.associate": {"name": (str, False), "group": (str, False), "associate": (bool, True)},
    "group.start": {"group": (str, True), "server": (str, False)},
    "group.stop": {"group": (str, True)},
    "group.move": {"group": (str, True), "server": (str, False)},
    "group.list": {},
    "mirror.create": {"set": (str, True), "source": (str, False), "wait": (bool, False)},
    "mirror.status": {"set": (str, False)},
    "mirror.forced_return": {"set": (str, True), "server": (str, False), "confirm": (bool, False)},
    "mirror.permit": {"set": (str, True), "server": (str, False)},
    "mirror.forced_permit": {"set": (str, True), "server": (str, False), "confirm": (bool, False)},
    "mirror.restrict": {"set": (str, True), "server": (str, False)},
    "mirror.stats": {"set": (str, True), "server": (str, False)},
    "mirror.latency": {"set": (str, True), "server": (str, False), "every": (int, True)},
    "mirror.resolve": {
        "set": (str, True),
        "keep": (str, True),
        "dry_run": (bool, False),
        "discard": (bool, False),
    },
    "mirror.verify": {"set": (str, True), "repair": (bool, False), "stop": (bool, False)},
    "mirror.functions": {"set": (str, False), "server": (str, False)},
}
OWN: Final[dict[str, dict[str, tuple[type, bool]]]] = {
    "ping": {},
    "cluster.create": {"text": (str, True)},
    "server.facts": {"text": (str, True)},
    "cluster.apply": {
        "text": (str, True),
        "dry_run": (bool, False),
        "alone": (bool, False),
        "resolve": (bool, False),
    },
    "cluster.configuration": {"compare": (bool, False)},
    "events": {"since": (int, False), "limit": (int, False), "wait_s": (float, False)},
    "key.rotate": {},
    "server.replace": {"server": (str, True)},
    "support.collect": {},
    "support.timeline": {"limit": (int, False)},
    "registry.status": {},
    "server.down": {"reboot": (bool, False), "force": (bool, False), "reason": (str, False)},
}
ALL: Final = {**CORE, **OWN, **program_verbs.VERBS, **mirror_admin.VERBS, **read_devices.VERBS}


async def handle(daemon: Daemon, verb: str, args: dict[str, Any]) -> Any:
    """Answer one request; Refusal says what forbids it."""
    known = ALL.get(verb)
    if known is None:
        raise Refusal("E_NOTFOUND", f"unknown verb {verb!r}", help=f"known verbs: {', '.join(ALL)}")
    args, shown = guard.taken({name: value for name, value in args.items() if value is not None})
    check_arguments(verb, args, known)
    await daemon.guard.admit(verb, args, shown)
    if verb in OWN:
        return await _OWN[verb](daemon, args)
    runtime = await _runtime(daemon, verb)
    if verb in program_verbs.VERBS:
        return await program_verbs.handle(runtime, verb, args)
    if verb in read_devices.VERBS:
        return await read_devices.handle(runtime, daemon.paths, daemon.me, verb, args)
    if verb in mirror_admin.VERBS:
        return await mirror_admin.handle(daemon, runtime, verb, args)
    result = await runtime.request(verb, args)
    if verb == "cluster.status":
        return {**result, "configuration": daemon.configuration_state()}
    return mirror_admin.with_exports(runtime, daemon.paths, result) if verb in mirror_admin.GRANTS else result


async def _runtime(daemon: Daemon, verb: str) -> Runtime:
    if not await clock.wait_event(daemon.taken_up, TAKE_UP_S_MAX):
        raise Refusal(
            "E_STATE",
            f"{verb} is not possible: the new configuration is not in use yet",
            help="try again in a moment; twinset events",
        )
    if daemon.runtime is None:
        raise Refusal(
            "E_STATE", f"{verb} is not possible: {daemon.why_not}", help="twinset cluster create FILE"
        )
    return daemon.runtime


def check_arguments(verb: str, args: dict[str, Any], known: dict[str, tuple[type, bool]]) -> None:
    """Refuse what the verb does not take."""
    for name, value in args.items():
        if name not in known:
            takes = ", ".join(known) or "no arguments"
            raise Refusal("E_RANGE", f"{verb} does not take {name!r}; it takes {takes}")
        wanted = known[name][0]
        fits = isinstance(value, (int, float)) if wanted is float else isinstance(value, wanted)
        if not fits or (isinstance(value, bool) and wanted is not bool):
            raise Refusal("E_RANGE", f"{verb}: {name} must be of type {wanted.__name__}, not {value!r:.100}")
    for name, (_, required) in known.items():
        if required and name not in args:
            raise Refusal("E_RANGE", f"{verb} needs {name}")


async def _ping(daemon: Daemon, _args: dict[str, Any]) -> dict[str, Any]:
    return {
        "server": daemon.me,
        "boot_id": daemon.boot_id,
        "configured": daemon.runtime is not None,
        "reason": daemon.why_not,
        "now_ms": clock.now_ms(),
    }


async def _create(daemon: Daemon, args: dict[str, Any]) -> dict[str, Any]:
    return await daemon.change(Asked(args["text"], resolve=True))


async def _apply(daemon: Daemon, args: dict[str, Any]) -> dict[str, Any]:
    """Show or carry out a change; a cluster at work takes what it can (configure.py)."""
    flags: dict[str, Any] = {name: bool(args.get(name)) for name in ("dry_run", "alone", "resolve")}
    return await daemon.change(Asked(args["text"], live=True, **flags))


async def _configuration(daemon: Daemon, args: dict[str, Any]) -> dict[str, Any]:
    """The active configuration, and, with `compare`, what the other server has instead."""
    mine, own_text = daemon.configure.claim(), daemon.configure.active_text()
    found: dict[str, Any] = {
        "server": daemon.me,
        "generation": mine.generation,
        "digest": mine.digest,
        "text": password.masked(own_text),
        "in_doubt": daemon.configure.in_doubt,
    }
    if args.get("compare"):
        if daemon.keys is None:
            raise Refusal("E_STATE", f"no cluster key: {daemon.why_not}")
        own = control_channel.hello("configure", daemon.me, daemon.instance)
        theirs, text = await daemon.configure.look_over(daemon.keys, own)
        shown = password.masked(text)
        found["other"] = {"generation": theirs.generation, "digest": theirs.digest, "text": shown}
        found["relation"] = lineage.relation(mine, theirs)
        found["changes"] = changes.between(own_text, text)
    return found


async def _facts(daemon: Daemon, args: dict[str, Any]) -> dict[str, Any]:
    return await daemon.facts(args["text"])


async def _events(daemon: Daemon, args: dict[str, Any]) -> dict[str, Any]:
    """Return entries after `since`; wait for one when there is none yet and `wait_s` says so."""
    since = min(int(args.get("since", 0)), daemon.event_log.last_number)
    limit = max(1, min(EVENTS_MAX, int(args.get("limit", EVENTS_MAX))))
    found = daemon.event_log.since(since, limit)
    wait_s = min(WAIT_S_MAX, float(args.get("wait_s", 0)))
    if not found and wait_s > 0:
        await daemon.event_log.wait_grown(wait_s)
        found = daemon.event_log.since(since, limit)
    return {"events": found, "last": found[-1]["seq"] if found else max(since, 0)}


async def _down(daemon: Daemon, args: dict[str, Any]) -> dict[str, Any]:
    """ARMDOWN: leave the cluster, then power the machine off; answered when it begins (6.3-17)."""
    reason = str(args.get("reason") or "asked by ARMDOWN")
    runtime = await _runtime(daemon, "server.down")
    machine = await runtime.down(reason, reboot=bool(args.get("reboot")), force=bool(args.get("force")))
    return {"server": daemon.me, "machine": machine}


async def _registry(daemon: Daemon, _args: dict[str, Any]) -> dict[str, Any]:
    """The keys that follow groups, with their versions on this server."""
    return {"keys": (await _runtime(daemon, "registry.status")).registry.status()}


async def _replace(daemon: Daemon, args: dict[str, Any]) -> dict[str, Any]:
    """A new machine takes the place of a server that was lost: it gets the configuration, and is then returned."""
    runtime = await _runtime(daemon, "server.replace")
    if not same_name(args["server"], runtime.peer):
        text = f"server replace: {args['server']} is not the other server of {daemon.me}, {runtime.peer}"
        raise Refusal("E_NOTFOUND", text, "2.2.2.3-06", "twinset cluster status")
    if daemon.keys is None:
        raise Refusal("E_STATE", f"no cluster key: {daemon.why_not}")
    own = control_channel.hello("configure", daemon.me, daemon.instance)
    result = await daemon.configure.hand_over(daemon.keys, own)
    if not result["already"]:
        daemon.event_log.write("server_replaced", "warning", {"server": runtime.peer})
    return {**result, "next": f"twinset server return {runtime.peer}"}


_OWN: Final[dict[str, Callable[[Daemon, dict[str, Any]], Awaitable[Any]]]] = {
    "ping": _ping,
    "cluster.create": _create,
    "server.facts": _facts,
    "cluster.apply": _apply,
    "cluster.configuration": _configuration,
    "events": _events,
    "registry.status": _registry,
    "server.replace": _replace,
    "key.rotate": lambda daemon, _args: daemon.rotation.rotate(),
    "support.collect": lambda daemon, _args: daemon.support.collect(),
    "support.timeline": lambda daemon, args: daemon.support.timeline(
        max(1, min(EVENTS_MAX, int(args.get("limit", EVENTS_MAX))))
    ),
    "server.down": _down,
}
