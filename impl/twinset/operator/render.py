"""How answers look to a person. Symbols are always followed by their word (design: 6.2.5)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinset import events_catalogue
from twinset.finding import ERROR
from twinset.operator import resolve_render, verify_render
from twinset.operator.units import mib

if TYPE_CHECKING:
    from twinset.errors import Refusal
    from twinset.finding import Finding

_STATUS_STYLES: Final = {"O": "green", "X": "dim", "Xd": "bold red", "Od": "yellow"}
_GROUP_STYLES: Final = {"active": "green", "start_failed": "bold red", "stop_failed": "bold red"}
_SET_STYLES: Final = {
    "NORMAL": "green",
    "RECONSTRUCTING": "yellow",
    "UNDER_CONSTRUCTION": "yellow",
    "INCONSISTENT": "red",
    "ISOLATED": "bold red",
    "DIVERGED": "bold red",
    "UNDECIDED": "bold red",
}
_SEVERITY_STYLES: Final = {"info": "", "warning": "yellow", "error": "bold red"}

# What an operator sees of a set beside its state.
_SET_HINTS: Final = {
    "UNREGISTERED": "twinset mirror create SET --source SERVER",
    "INCONSISTENT": "not redundant; when the other server and its disk are back: twinset server return",
    "ISOLATED": "the disk here failed; replace it, restart this server, then twinset server return",
    "DIVERGED": "decide which server is right: twinset mirror resolve SET --keep SERVER --dry-run",
    "UNDECIDED": "both went down: twinset mirror create SET --source SERVER",
}


def findings(console: Console, found: Sequence[Finding]) -> None:
    """Show findings, errors first, each with its next step."""
    for finding in sorted(found, key=lambda item: item.severity != ERROR):
        line = Text(f"{finding.severity:<8}{finding.code:<18}", style=_SEVERITY_STYLES[finding.severity])
        line.append(finding.message, style="default")
        console.print(line, soft_wrap=True)
        if finding.help:
            console.print(Text(f"        next: {finding.help}"), soft_wrap=True)


def refusal(error: Refusal, *, as_json: bool) -> None:
    """Say what was refused, by which state and clause, and what would help."""
    if as_json:
        sys.stdout.write(json.dumps({"ok": False, "error": error.as_json()}, indent=2) + "\n")
    text = Text("refused: ", style="bold red")
    text.append(error.message, style="default")
    if error.clause:
        text.append(f" [{error.clause}]", style="dim")
    console = Console(stderr=True)
    console.print(text, soft_wrap=True)
    if error.help:
        console.print(Text(f"try:     {error.help}"), soft_wrap=True)


def unreachable(reason: str, *, as_json: bool) -> None:
    """Say that nobody answers."""
    if as_json:
        body = {"ok": False, "error": {"code": "E_UNREACHABLE", "message": reason, "clause": "", "help": ""}}
        sys.stdout.write(json.dumps(body, indent=2) + "\n")
    Console(stderr=True).print(Text(reason, style="bold red"), soft_wrap=True)


def done(sentence: str) -> Callable[[Any], None]:
    """Return what shows that a request is done."""

    def show(_result: Any) -> None:
        Console().print(Text(sentence))

    return show


def created(result: Mapping[str, Any]) -> None:
    """Show what `cluster create` did."""
    servers = " and ".join(result.get("servers", []))
    console = Console()
    console.print(Text(f"Cluster {result.get('cluster')} is configured on {servers}."))
    console.print(Text("next:    twinset cluster start"))


def replaced(result: Mapping[str, Any]) -> None:
    """Show what `server replace` did, and what follows."""
    console = Console()
    console.print(Text(f"{result['server']} has generation {result['generation']} of the configuration."))
    console.print(Text(f"next:    {result['next']}; everything is copied to it"))


def group_done(word: str) -> Callable[[Any], None]:
    """Return what shows where a group is now."""

    def show(result: Any) -> None:
        body = result if isinstance(result, Mapping) else {}
        place = f" on {body['server']}" if body.get("server") else ""
        Console().print(Text(f"The group is {word}{place}."))

    return show


def mirror_created(mirror_set: str, *, finished: bool) -> Callable[[Any], None]:
    """Return what shows that a creation began or ended."""

    def show(_result: Any) -> None:
        console = Console()
        if finished:
            console.print(Text(f"Both sides of {mirror_set} are equal."))
        else:
            console.print(Text(f"The mirror of {mirror_set} is being created."))
            console.print(Text(f"watch:   twinset mirror status {mirror_set}"))

    return show


def cluster_status(status: Mapping[str, Any]) -> None:
    """Show the whole cluster."""
    console = Console()
    console.print(Text(f"Cluster {status['cluster']}, as {status['this_server']} sees it"), style="bold")
    table = Table("server", "status", box=None, pad_edge=False, header_style="dim")
    for name, server in status["servers"].items():
        symbol = str(server["status"])
        silent_s = server.get("silent_s")
        silent = f", not heard for {silent_s} s" if silent_s else ""
        table.add_row(
            name, Text(f"{symbol} ({server['word']}){silent}", style=_STATUS_STYLES.get(symbol, ""))
        )
    console.print(table)
    programs(status.get("programs"))
    group_list(status)
    mirror_status(status)
    redundancy(status.get("redundancy"))


def programs(found: Mapping[str, Any] | None) -> None:
    """Say when the two servers run different programs, and what waits until both have the newer one."""
    if not found or not found["differ"]:
        return
    each = ", ".join(f"{server}: twinset {release or '?'}" for server, release in found["releases"].items())
    waits = f"; until both have it, this waits: {', '.join(found['waits'])}" if found["waits"] else ""
    Console().print(Text(f"different programs ({each}){waits}", style="yellow"), soft_wrap=True)


def redundancy(found: Mapping[str, Any] | None) -> None:
    """Say whether a single fault could hurt now, and which."""
    if not found:
        return
    console = Console()
    if not found["next_faults"]:
        console.print(Text("redundant: no single fault loses data or stops a service", style="green"))
    for each in found["next_faults"]:
        text = Text(
            f"{each['fault']} {each['does']}", style="bold red" if not found["redundant"] else "yellow"
        )
        text.append(f": {each['why']}", style="default")
        console.print(text, soft_wrap=True)


def group_list(status: Mapping[str, Any]) -> None:
    """Show groups."""
    groups = status.get("groups", status)
    if not groups:
        return
    table = Table("group", "state", "server", "", box=None, pad_edge=False, header_style="dim")
    for name, group in groups.items():
        state = str(group.get("state"))
        note = "disk failure" if group.get("disk_failure") else ""
        names = (f"{name} {text}".strip() for name, text in group.get("virtual_computer_names", {}).items())
        note = "; ".join(part for part in (note, str(group.get("reason") or ""), *names) if part)
        table.add_row(name, Text(state, style=_GROUP_STYLES.get(state, "")), group.get("server") or "-", note)
    Console().print(table)


def program_list(result: Mapping[str, Any]) -> None:
    """Show programs and services of ARMLOAD."""
    table = Table(
        "watch ID", "group", "process", "restarts", "what", box=None, pad_edge=False, header_style="dim"
    )
    for each in result["programs"]:
        process = "service" if each["service"] else str(each["pid"] or "-")
        restarts = f"{each['restarts']} of {each['restarts_max']}" if each["monitored"] else "not watched"
        table.add_row(each["watch"], each["group"], process, restarts, Text(" ".join(each["argv"])))
    Console().print(table)


def registry_status(result: Mapping[str, Any]) -> None:
    """Show the keys that follow groups: which version is here, and whether the other server has it."""
    table = Table("group", "key", "store", "version", "", box=None, pad_edge=False, header_style="dim")
    for each in result["keys"]:
        notes = {
            "watched": each["watched"],
            "on both servers": each["confirmed"],
            "to be restored": each["to_restore"],
            each["reason"]: bool(each["reason"]),
        }
        said = ", ".join(note for note, holds in notes.items() if holds)
        table.add_row(each["group"], Text(each["key"]), each["store"], str(each["version"]), Text(said))
    Console().print(table)


def mirror_status(status: Mapping[str, Any]) -> None:
    """Show mirror sets and the progress of rebuilds."""
    sets = status.get("mirror_sets", status)
    if not sets:
        return
    head = ("mirror set", "state", "active on", "mirror connects", "")
    table = Table(*head, box=None, pad_edge=False, header_style="dim")
    more: list[str] = []
    for name, each in sets.items():
        state = str(each.get("state"))
        note = (
            _copy_note(each["copy"]) if each.get("copy") else _SET_HINTS.get(state, "").replace("SET", name)
        )
        job = each.get("verify")
        note = "; ".join(part for part in (note, verify_render.sentence(job) if job else "") if part)
        more += resolve_render.diverged(each.get("diverged") or {})
        table.add_row(
            name, Text(state, style=_SET_STYLES.get(state, "")), each.get("active_server") or "-",
            _connects(each), note
        )  # fmt: skip
    console = Console()
    console.print(table)
    for line in more:
        console.print(Text(line), soft_wrap=True)


def _connects(mirror_set: Mapping[str, Any]) -> Text:
    """Say of each mirror connect whether it is in use, ready or lost, as either side sees it: the worse word."""
    words: dict[str, str] = {}
    for side in mirror_set.get("sides", {}).values():
        for each in side.get("connects") or ():
            name, word = str(each["name"]), str(each["state"])
            words[name] = "lost" if "lost" in (word, words.get(name)) else word
    text = ", ".join(f"{name} {word}" for name, word in words.items())
    return Text(text, style="bold yellow" if "lost" in words.values() else "")


def _copy_note(copy: Mapping[str, Any]) -> str:
    done_bytes, total = int(copy.get("bytes_done") or 0), int(copy.get("bytes_total") or 0)
    percent = 100 * done_bytes // total if total else 0
    left = copy.get("left_s")
    rest = f", {float(left):.0f} s left" if isinstance(left, (int, float)) else ""
    rate = mib(copy.get("rate_bytes_s"))
    return f"{copy.get('mode')} copy {percent} %: {mib(done_bytes)} of {mib(total)} at {rate}/s{rest}"


def events(result: Mapping[str, Any]) -> None:
    """Show entries of the event log."""
    for each in result.get("events", []):
        event(each)


def event(entry: Mapping[str, Any]) -> None:
    """Show one entry: when, how grave, what, and what to do about it."""
    name = str(entry.get("event"))
    known = events_catalogue.entry(name)
    at = datetime.fromtimestamp(float(entry.get("time", 0)), tz=UTC).astimezone()
    severity = str(entry.get("severity"))
    fields = entry.get("fields")
    pairs = fields.items() if isinstance(fields, Mapping) else ()
    details = " ".join(f"{key}={_short(value)}" for key, value in pairs)
    text = Text(f"{entry.get('seq'):>6} {at:%Y-%m-%d %H:%M:%S} ", style="dim")
    text.append(f"{severity:<8}", style=_SEVERITY_STYLES.get(severity, ""))
    text.append(f"{known.id} {known.cause}", style="default")
    if details:
        text.append(f"  {details}", style="dim")
    console = Console()
    console.print(text, soft_wrap=True)
    if severity == "error" and known.remedy != "none needed":
        console.print(Text(f"       remedy: {known.remedy}"), soft_wrap=True)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if " " not in text else json.dumps(text)
