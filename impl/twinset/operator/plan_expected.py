"""The part of `twinset plan` that measured coefficients add: reading their file, printing what is expected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from twinset.advice import coefficients
from twinset.errors import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from twinset.advice.coefficients import Coefficients

DESCRIBED: Final = {
    "disk_iops": "disk: {:g} IOPS",
    "disk_mib_s": "{:g} MiB/s",
    "disk_us": "{:g} us an operation",
    "link_mbit_s": "mirror connect: {:g} Mbit/s",
    "round_trip_us": "round trip {:g} us",
    "processors": "{:g} processors a server",
}


def read(path: Path) -> Coefficients:
    """Return the coefficients of a file; Refusal when there are none."""
    try:
        text = path.read_text()
    except OSError as error:
        raise Refusal("E_NOTFOUND", f"{path}: {error.strerror}") from None
    try:
        return coefficients.parse(json.loads(text))
    except ValueError as error:
        raise Refusal("E_FORMAT", f"{path}: {error}") from None


def show(console: Console, report: dict[str, Any]) -> None:
    """Print it for a person."""
    machine = ", ".join(
        text.format(report["machine"][name]) for name, text in DESCRIBED.items() if name in report["machine"]
    )
    told = f"expected on {machine or 'a machine like the measured one'}; measured {report['from'].get('when', '')}"
    console.print(Text(told, style="bold"), soft_wrap=True)
    for each in report["operations"]:
        console.print(Text(_operations(each)), soft_wrap=True)
    for each in report["rebuilds"]:
        console.print(Text(_rebuild(each)), soft_wrap=True)
    if report["link"]:
        load, needed, share = (report["link"][name] for name in ("write_mib_s", "needed_mbit_s", "share"))
        text = f"{load:g} MiB/s in 4 KiB writes need {needed:.0f} Mbit/s"
        text += f", {share:.0%} of the mirror connect" if share is not None else ""
        console.print(Text(text, style="red" if (share or 0) > 1 else ""), soft_wrap=True)
    for each in report["outages"]:
        console.print(Text(_outage(each)), soft_wrap=True)


def _operations(row: dict[str, Any]) -> str:
    middle, low, high = row["overhead"]
    return (
        f"{_workload(row)}: overhead {middle:.0%} ({low:.0%} to {high:.0%}): {_span(row['mirrored']['rate'])} a second "
        f"of {_short(row['raw']['rate'][0])} on the disk alone, {_span(row['latency_us'], ' us')} each, "
        f"limited by: {row['mirrored']['limited_by']}"
    )


def _workload(row: dict[str, Any]) -> str:
    share = row["write_share"]
    what = "writes" if share == 1 else f"{1 - share:.0%} reads"
    size = f"{row['block_kib']:g} KiB" if row["block_kib"] < 1024 else f"{row['block_kib'] / 1024:g} MiB"
    return f"{size} {what}, depth {row['depth']}"


def _span(figure: list[float], unit: str = "") -> str:
    middle, low, high = figure
    return f"{_short(middle)}{unit} ({_short(low)} to {_short(high)})"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _rebuild(each: dict[str, Any]) -> str:
    by = each["mib_s"]["limited_by"]
    if each["seconds"] is None:
        return f"full copy of {each['set']}: {_span(each['seconds_per_gb'], ' s')} a GB, limited by: {by}"
    size = each["size_bytes"] / (1 << 30)
    return f"full copy of {each['set']}, {size:.2f} GB: {_span(each['seconds'], ' s')}, limited by: {by}"


def _outage(each: dict[str, Any]) -> str:
    parts = [
        f"{part['count']} x {part['part']} {part['seconds']:.1f} s ({part['source']})"
        for part in each["parts"]
    ]
    listed = " + ".join(
        [
            f"heartbeat time-out {each['heartbeat_s']:g} s",
            f"partition phase {each['partition_s']:g} s",
            *parts,
        ]
    )
    budget = ", ".join(f"{name}: {count:g}" for name, count in each["a_year"].items())
    return (
        f"outage when {each['server']} goes down: {_span(each['seconds'], ' s')} = {listed}; "
        f"so many a year leave {budget}"
    )
