"""A file of coefficients for tests: round figures, every part."""

import copy
from typing import Any

from twinset.advice import coefficients
from twinset.advice.coefficients import Coefficients


def _operations(depth: int, share: float, block_kib: float = 4.0) -> dict[str, Any]:
    return {
        "block_kib": block_kib,
        "depth": depth,
        "write_share": share,
        "raw_iops": [20_000.0, 18_000.0, 22_000.0],
        "mirrored_iops": [10_000.0, 9_000.0, 11_000.0],
        "active_us": [50.0, 40.0, 62.5],
        "standby_us": [25.0, 20.0, 31.25],
    }


BODY: dict[str, Any] = {
    "format": 1,
    "measured_by": "perf",
    "when": "2026-11-29T08:00:00Z",
    "machine": {"processors": 2},
    "commit": "abc",
    "processors": 2,
    "operations": {
        "write-1": _operations(1, 1.0),
        "write-16": _operations(16, 1.0),
        "mix-16": _operations(16, 0.25),
        "large": _operations(4, 1.0, 1024.0),
    },
    "lone_us": {
        "own": [300.0, 200.0, 400.0],
        "serving": [50.0, 50.0, 50.0],
        "disk": [100.0, 100.0, 100.0],
        "round_trip": [100.0, 100.0, 100.0],
    },
    "copy": {
        "mib_s": [400.0, 320.0, 500.0],
        "source_us_per_mib": [1000.0, 800.0, 1250.0],
        "target_us_per_mib": [2000.0, 1600.0, 2500.0],
    },
    "switching_s": {"mirror_disk": 0.5, "floating_ip": 0.25},
}


def body(**changes: Any) -> dict[str, Any]:
    """The file with other parts."""
    return {**copy.deepcopy(BODY), **changes}


def costs(**changes: Any) -> Coefficients:
    """The same, read."""
    return coefficients.parse(body(**changes))
