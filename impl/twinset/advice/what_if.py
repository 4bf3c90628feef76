"""What a configuration will cost on a described machine: overhead, rebuilds, the link, outages. Pure.

The formulas are in expectation.py, the measured costs in coefficients.py. Figures are `[middle, low, high]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.guide.limits import HEARTBEAT_INTERVAL_S
from twinset.guide.switching_time import RESOURCE_S

from . import expectation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from twinset.config.cluster import ClusterConfig

    from .coefficients import Coefficients
    from .expectation import Machine
    from .measured import Measured

GB: Final = 1 << 30
SMALL_KIB: Final = 4  # what the link is reckoned for: the smaller the writes, the more of it are headers
COEFFICIENTS, LOG, GUIDE, GIVEN = "coefficients", "event log", "guide", "given"


def expected(
    config: ClusterConfig,
    found: Coefficients,
    machine: Machine,
    *,
    sizes: Mapping[str, int],
    write_mib_s: float,
    outages: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Return everything that can be said; sizes in bytes, of the sets whose disks are known."""
    return {
        "from": dict(found.about),
        "machine": machine.as_json(),
        "operations": [operations(found, name, machine) for name in found.operations],
        "rebuilds": rebuilds(config, found, machine, sizes),
        "link": link(machine, write_mib_s) if write_mib_s else None,
        "outages": list(outages),
    }


def operations(found: Coefficients, name: str, machine: Machine) -> dict[str, Any]:
    """Return one workload's rates, its overhead and the link that it fills."""
    kind = found.operations[name]
    raw, mirrored = expectation.raw(found, kind, machine), expectation.mirrored(found, kind, machine)
    written = mirrored.rate.middle * kind.write_share * kind.block_kib / 1024
    return {
        "workload": name,
        "block_kib": kind.block_kib,
        "depth": kind.depth,
        "write_share": kind.write_share,
        "raw": raw.as_json(),
        "mirrored": mirrored.as_json(),
        "overhead": expectation.overhead(raw, mirrored).as_list(),
        "latency_us": expectation.latency_us(kind, mirrored).as_list(),
        "link_mbit_s": expectation.link_needed_mbit_s(written, kind.block_kib),
    }


def rebuilds(
    config: ClusterConfig, found: Coefficients, machine: Machine, sizes: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return each set's full copy; a GB's where the size is not known. A high-speed copy takes its share of it."""
    rows = []
    for mirror_set in config.mirror_sets if found.copy else ():
        rate = expectation.copy_mib_s(found, machine, mirror_set.max_io_kib)
        size = sizes.get(mirror_set.name)
        rows.append(
            {
                "set": mirror_set.name,
                "size_bytes": size,
                "mib_s": rate.as_json(),
                "seconds": expectation.rebuild_s(rate, size).as_list() if size else None,
                "seconds_per_gb": expectation.rebuild_s(rate, GB).as_list(),
            }
        )
    return rows


def link(machine: Machine, write_mib_s: float) -> dict[str, float | None]:
    """Return the mirror connect that so many MiB a second in 4 KiB writes need, and how full the described one is."""
    needed = expectation.link_needed_mbit_s(write_mib_s, SMALL_KIB)
    share = needed / machine.link_mbit_s if machine.link_mbit_s else None
    return {"write_mib_s": write_mib_s, "needed_mbit_s": needed, "share": share}


def outages(
    rows: Sequence[Mapping[str, Any]],
    switching_s: Mapping[str, float],
    logged: Measured | None,
    scripts_s: float | None,
) -> list[dict[str, Any]]:
    """Return the outage of each server's loss, part by part, and how many a year an availability bears.

    `rows` are those of planning.switching. What a resource takes is known best from the coefficients, then from this
    server's last failover, then from the guide's bounds.
    """
    found = []
    for row in rows:
        if not row["groups"]:
            continue
        parts = [
            {"part": kind, "count": count, **_seconds(kind, count, switching_s, logged)}
            for kind, count in row["counts"].items()
        ]
        if row["scripts"]:
            told = _each("script", switching_s, logged) or {"each_s": 0.0, "source": "not known"}
            if scripts_s is not None:
                told = {"each_s": scripts_s, "source": GIVEN}
            seconds = told["each_s"] * row["scripts"]
            parts.append({"part": "script", "count": row["scripts"], **told, "seconds": seconds})
        outage = expectation.outage_s(
            row["heartbeat_s"],
            row["partition_configured_s"],
            sum(part["seconds"] for part in parts),
            HEARTBEAT_INTERVAL_S,
        )
        found.append(
            {
                "server": row["server"],
                "heartbeat_s": row["heartbeat_s"],
                "partition_s": row["partition_configured_s"],
                "parts": parts,
                "seconds": outage.as_list(),
                "a_year": {name: round(n, 1) for name, n in expectation.outages_a_year(outage).items()},
            }
        )
    return found


def _each(kind: str, switching_s: Mapping[str, float], logged: Measured | None) -> dict[str, Any] | None:
    if kind in switching_s:
        return {"each_s": switching_s[kind], "source": COEFFICIENTS}
    if logged and kind in logged.resources_s:
        return {"each_s": logged.resources_s[kind], "source": LOG}
    return None


def _seconds(
    kind: str, count: int, switching_s: Mapping[str, float], logged: Measured | None
) -> dict[str, Any]:
    told = _each(kind, switching_s, logged) or {"each_s": float(RESOURCE_S[kind]), "source": GUIDE}
    return {**told, "seconds": told["each_s"] * count}
