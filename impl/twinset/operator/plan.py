"""``twinset plan FILE``: what a configuration costs, by the guide and beside what was measured on this server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinset import config
from twinset.advice import expectation, planning, what_if
from twinset.advice.measured import copy_rates, last_failover
from twinset.errors import ConfigError, Refusal, TwinsetError
from twinset.operator import local, plan_expected
from twinset.operator.check import run_check
from twinset.shell import disk_tools
from twinset.shell.available_memory import available_kib
from twinset.shell.paths import server_name

if TYPE_CHECKING:
    from pathlib import Path

    from twinset.advice.expectation import Machine
    from twinset.config import ClusterConfig
    from twinset.shell.paths import Paths


def run_plan(
    file: Path,
    paths: Paths,
    *,
    write_mib_s: float,
    scripts_s: float | None,
    events: Path | None,
    as_json: bool,
    coefficients: Path | None = None,
    machine: Machine | None = None,
) -> int:
    """Print the plan; exit status 1 when the file cannot be used."""
    try:
        loaded = config.load(file)
    except ConfigError:
        return run_check(file, as_json)  # its findings say why
    report = report_of(
        loaded,
        paths,
        write_mib_s=write_mib_s,
        scripts_s=scripts_s,
        events=events,
        coefficients=coefficients,
        machine=machine,
    )
    if as_json:
        local.print_json({"file": str(file), **report})
    else:
        _show(report)
    return 0


def report_of(
    loaded: ClusterConfig,
    paths: Paths,
    *,
    write_mib_s: float,
    scripts_s: float | None,
    events: Path | None,
    coefficients: Path | None = None,
    machine: Machine | None = None,
) -> dict[str, Any]:
    """Return the plan as `--json` prints it."""
    if machine is not None and coefficients is None:
        raise Refusal("E_SYNTAX", "a described machine needs measured coefficients", help="--measured FILE")
    log = read_events(events or paths.events, named=events is not None)
    measured, sizes = last_failover(log), _sizes(loaded, paths)
    report: dict[str, Any] = {
        "switching": planning.switching(loaded, measured, scripts_s=scripts_s),
        "measured": None if measured is None else measured.as_json(),
        "memory": planning.memory_need(loaded, available_kib()),
        "copies": planning.copies(loaded, sizes, copy_rates(log)),
        "link": planning.link_load(write_mib_s) if write_mib_s else [],
        "expected": None,
    }
    if coefficients is not None:
        found = plan_expected.read(coefficients)
        report["expected"] = what_if.expected(
            loaded,
            found,
            machine or expectation.Machine(),
            sizes=sizes,
            write_mib_s=write_mib_s,
            outages=what_if.outages(report["switching"], found.switching_s, measured, scripts_s),
        )
    return report


def read_events(path: Path, *, named: bool) -> list[dict[str, Any]]:
    """Return the entries of an event log in order; one that was named has to be there."""
    found: list[dict[str, Any]] = []
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError as error:
        if named:
            raise Refusal("E_NOTFOUND", f"{path}: {error.strerror}") from None
        return []
    for line in lines:
        try:
            body = json.loads(line)
        except ValueError:  # torn by a power cut
            continue
        if isinstance(body, dict) and {"seq", "time", "event"} <= body.keys():
            found.append(body)
    return found


def _sizes(loaded: ClusterConfig, paths: Paths) -> dict[str, int]:
    """The bytes of each set's data partitions, as far as its disk is on this server."""
    me, sizes = server_name(paths), {}
    for mirror_set in loaded.mirror_sets:
        try:
            seen = disk_tools.look(mirror_set.disk_path(me), paths.state, probe=False)
        except (TwinsetError, OSError):
            continue
        wanted = {partition.number for partition in mirror_set.partitions}
        size = sum(part.length_bytes for part in seen.partitions if part.number in wanted)
        if size:
            sizes[mirror_set.name] = size
    return sizes


def _show(report: dict[str, Any]) -> None:
    console = Console()
    measured = report["measured"]
    for row in report["switching"]:
        _show_switching(console, row, measured)
    if measured is None:
        console.print(Text("measured: this server's event log tells of no failover yet", style="dim"))
    need = report["memory"]
    available = (
        "not known" if need["available_kib"] is None else f"{need['available_kib']} KiB available here"
    )
    console.print(Text(f"memory of mirror sets: {need['total_kib']} KiB, {available} [{need['clause']}]"))
    for each in report["copies"]:
        console.print(Text(_copy_line(each)), soft_wrap=True)
    for each in report["link"]:
        text = (
            f"mirror connect of {each['link_mbps']} Mbit/s: {each['percent']:.1f} % of it [{each['clause']}]"
        )
        console.print(Text(text, style="red" if each["percent"] > 100 else ""), soft_wrap=True)
    if report["expected"]:
        plan_expected.show(console, report["expected"])


def _show_switching(console: Console, row: dict[str, Any], measured: dict[str, Any] | None) -> None:
    seen: dict[str, float] = measured["resources_s"] if measured else {}
    groups = ", ".join(row["groups"]) or "no group"
    console.print(
        Text(f"when {row['server']} goes down: {groups} [{row['clause']}]", style="bold"), soft_wrap=True
    )
    table = Table("term", "by the guide", "measured", box=None, pad_edge=False, header_style="dim")
    table.add_row("heartbeat time-out", f"{row['heartbeat_s']:.0f} s", "")
    low, high = row["partition_s"]
    configured = f" (configured: {row['partition_configured_s']:g} s)"
    took = measured["partition_s"] if measured else None
    table.add_row("partition phase", f"{low:.0f} to {high:.0f} s{configured}", _seconds(took))
    for kind, seconds in row["resources_s"].items():
        table.add_row(f"{row['counts'][kind]} x {kind}", f"{seconds} s", _seconds(seen.get(kind), "slowest "))
    table.add_row(
        f"{row['scripts']} start scripts", f"{row['scripts_s']:g} s", _seconds(seen.get("script"), "slowest ")
    )
    total = measured["all_s"] if measured else None
    table.add_row(
        "all",
        f"{row['least_s']:.0f} to {row['most_s']:.0f} s",
        _seconds(total, "from the verdict to the last group "),
    )
    console.print(table)
    if measured:
        at = datetime.fromtimestamp(measured["at_s"], tz=UTC).astimezone()
        console.print(Text(f"measured at the failover of {at:%Y-%m-%d %H:%M:%S}", style="dim"))


def _seconds(value: float | None, words: str = "") -> str:
    return "" if value is None else f"{words}{value:.2f} s"


def _copy_line(each: dict[str, Any]) -> str:
    if each["size_bytes"] is None:
        per_gb = ", ".join(
            f"{seconds / 60:g} min ({kind})" for kind, seconds in each["guide_s_per_gb"].items()
        )
        return f"full copy of {each['set']}: a GB takes {per_gb} [{each['clause']}]; its disk is not on this server"
    times = ", ".join(f"{seconds / 60:.1f} min ({kind})" for kind, seconds in each["guide_s"].items())
    took = f"; at the last copy's rate {each['measured_s']:.1f} s" if each["measured_s"] else ""
    return f"full copy of {each['set']}, {each['size_bytes'] / (1 << 30):.2f} GB: {times} [{each['clause']}]{took}"
