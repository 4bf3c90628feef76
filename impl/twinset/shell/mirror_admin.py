"""The verbs of the Mirror Disk Administrator that change the configuration: register, cancel, options.

Each writes the active configuration anew and hands it to both servers, as `cluster create` does, so it needs a
stopped cluster and a second server in reach. What the text loses by that: comments, and passwords, which were
only ever judged for their length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset import config as configuration
from twinset.config.cluster import ClusterConfig, Disk, MirrorSet, Partition, same_name
from twinset.errors import Refusal
from twinset.finding import errors
from twinset.guide import limits, memory
from twinset.shell.available_memory import available_kib
from twinset.shell.configure import Asked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from twinset.shell.daemon import Daemon
    from twinset.shell.paths import Paths
    from twinset.shell.runtime import Runtime

VERBS: Final[dict[str, dict[str, tuple[type, bool]]]] = {
    "mirror.register": {
        "set": (str, True),
        "disks": (dict, True),
        "partitions": (dict, True),
        "max_io_kib": (int, False),
        "max_io_count": (int, False),
        "fastsync": (bool, False),
    },
    "mirror.cancel": {"set": (str, True)},
    "mirror.options": {
        "set": (str, True),
        "max_io_kib": (int, False),
        "max_io_count": (int, False),
        "fastsync": (bool, False),
        "reset": (bool, False),
    },
}
GRANTS: Final = frozenset({"mirror.permit", "mirror.forced_permit"})
OPTIONS: Final = ("max_io_kib", "max_io_count", "fastsync")
DEFAULTS: Final = {
    "max_io_kib": int(limits.MAX_IO_KIB_DEFAULT),
    "max_io_count": int(limits.MAX_IO_COUNT_DEFAULT),
    "fastsync": True,
}


async def handle(daemon: Daemon, runtime: Runtime, verb: str, args: dict[str, Any]) -> dict[str, Any]:
    """Answer one of the verbs."""
    return await _HANDLERS[verb](daemon, runtime, args)


async def _register(daemon: Daemon, runtime: Runtime, args: dict[str, Any]) -> dict[str, Any]:
    """A mirror set more; its first creation is the next command [4.3.4.1-01]."""
    config = runtime.config
    await _require_stopped(runtime, "register", "4.3.4.1-01")
    try:
        options = {name: args[name] for name in OPTIONS if name in args}
        fresh = MirrorSet(
            name=args["set"],
            disks=tuple(Disk(server=server, path=path) for server, path in args["disks"].items()),
            partitions=tuple(
                Partition(number=int(number), letter=letter) for number, letter in args["partitions"].items()
            ),
            **options,
        )
    except ValueError as error:  # pydantic's is one
        raise Refusal("E_RANGE", f"mirror register: {error}", "4.3.4.1-01") from None
    if any(same_name(known.name, fresh.name) for known in config.mirror_sets):
        raise Refusal(
            "E_DUP",
            f"mirror register: {fresh.name} is registered already",
            "2.2.2.1-03",
            "twinset mirror status",
        )
    changed = config.model_copy(update={"mirror_sets": (*config.mirror_sets, fresh)})
    await daemon.change(Asked(_text(changed, "register"), register=fresh.name))
    daemon.event_log.write("mirror_set_registered", "info", {"set": fresh.name})
    return {"set": fresh.name, "next": f"twinset mirror create {fresh.name}"}


async def _cancel(daemon: Daemon, runtime: Runtime, args: dict[str, Any]) -> dict[str, Any]:
    """A mirror set less: both disks forget it, their data stays [8.3-02, 8.7-03]."""
    config = runtime.config
    name = config.mirror_set(args["set"]).name
    found = await runtime.request("mirror.functions", {"set": name})
    verdict = found[name]["functions"]["cancel"]
    if not verdict["allowed"]:
        text = f"mirror cancel {name}: {verdict['reason']}"
        raise Refusal("E_STATE", text, str(verdict["clause"]), str(verdict["help"]))
    await _require_stopped(runtime, "cancel", "8.3-02")
    left = tuple(item for item in config.mirror_sets if item.name != name)
    changed = config.model_copy(update={"mirror_sets": left})
    await daemon.change(Asked(_text(changed, "cancel")))
    daemon.event_log.write("mirror_set_cancelled", "warning", {"set": name})
    return {"set": name, "next": "restart each server before its partitions are changed [8.5-02]"}


async def _options(daemon: Daemon, runtime: Runtime, args: dict[str, Any]) -> dict[str, Any]:
    """Show maximum I/O size and number with the memory that they imply, or change them [4.5.1-03]."""
    config = runtime.config
    mirror_set = config.mirror_set(args["set"])
    wanted: dict[str, Any] = dict(DEFAULTS) if args.get("reset") else {}
    wanted.update({name: args[name] for name in OPTIONS if name in args})
    changed = mirror_set.model_copy(update=wanted)
    if changed != mirror_set:
        await _require_stopped(runtime, "options", "4.5.1-03")
        sets = tuple(changed if item.name == mirror_set.name else item for item in config.mirror_sets)
        config = config.model_copy(update={"mirror_sets": sets})
        await daemon.change(Asked(_text(config, "options")))
        before = {name: getattr(mirror_set, name) for name in OPTIONS}
        after = {name: getattr(changed, name) for name in OPTIONS}
        daemon.event_log.write("mirror_options", "info", {"set": mirror_set.name, "before": before, **after})
    return {**shown(config, changed, available_kib()), "changed": changed != mirror_set}


def shown(config: ClusterConfig, mirror_set: MirrorSet, available: int | None) -> dict[str, Any]:
    """Return the options of a set, and the memory of this set and of all by the formula (4.5.1-02)."""
    size, count = mirror_set.max_io_kib, mirror_set.max_io_count
    return {
        "set": mirror_set.name,
        **{name: getattr(mirror_set, name) for name in OPTIONS},
        "defaults": dict(DEFAULTS),
        "formula": memory.formula(size, count),
        "memory_kib": memory.set_memory_kib(size, count),
        "memory_kib_all": memory.cluster_memory_kib(
            (each.max_io_kib, each.max_io_count) for each in config.mirror_sets
        ),
        "available_kib": available,
    }


async def _require_stopped(runtime: Runtime, function: str, clause: str) -> None:
    """Raise while the cluster operates here: a change of the configuration is taken up by new mirror processes."""
    try:
        await runtime.request("change.judge", {"live": False, "cluster": None, "groups": []})
    except Refusal as refusal:
        raise Refusal("E_STATE", f"mirror {function}: {refusal.message}", clause, refusal.help) from None


def _text(config: ClusterConfig, function: str) -> str:
    """Return the text of a changed configuration; Refusal with the first rule that it breaks."""
    text = configuration.dump(config)
    wrong = errors(configuration.check_text(text))
    if wrong:
        raise Refusal(
            wrong[0].code, f"mirror {function}: {'; '.join(each.message for each in wrong)}", wrong[0].clause
        )
    return text


def with_exports(runtime: Runtime, paths: Paths, result: Mapping[str, Any]) -> dict[str, Any]:
    """Add how any NBD client opens what was permitted: one export a data partition, on the server named."""
    mirror_set = runtime.config.mirror_set(str(result["set"]))
    socket = paths.nbd(mirror_set.name)
    exports = {part.letter: f"nbd+unix:///{part.letter}?socket={socket}" for part in mirror_set.partitions}
    return {**result, "exports": exports}


_HANDLERS: Final[dict[str, Callable[[Daemon, Runtime, dict[str, Any]], Awaitable[dict[str, Any]]]]] = {
    "mirror.register": _register,
    "mirror.cancel": _cancel,
    "mirror.options": _options,
}
