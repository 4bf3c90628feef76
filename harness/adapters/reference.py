"""The reference's adapter: `python -m harness.adapters.reference` speaks conformance/ADAPTER.md.

The static tier judges configurations inside this process, a few milliseconds each; the pair tier runs on the
lab and asks the daemons over their sockets. With TWINSET_ADAPTER_CLI=1 configurations are judged by `twinset
check --json` and operations done by the `twinset` command instead, an interpreter each time.
"""

import contextlib
import importlib.metadata
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness.adapters import advising, lines, neutral
from harness.adapters.lines import REFUSED, UNSUPPORTED, Answer, Args, Verb, needed
from harness.adapters.pair import CLI, PairVerbs
from harness.adapters.platform import adjust_disk, inspect_disk
from harness.errors import HarnessError
from harness.labs import choice
from harness.run import run

CONTRACT = 0
# Which lab: "namespaces", "vagrant", or "auto", the virtual machines where they are up.
LAB = "TWINSET_LAB"
SCALE = "TWINSET_LAB_SCALE"
# Real seconds before the time scale: how long a failover may take, and how long a lone server waits at start.
TIMING_S = {"failover": 50.0, "startup_wait": PairVerbs.TIMING["startup_wait_s"]}


CAPABILITIES = (
    "adjust_disk",
    "advise",
    "advise_here",
    "alerts",
    "validate",
    "estimate",
    "inspect_disk",
    "inspect_use",
    "inspect_pair",
    "isolation",
    "isolation_events",
    "mirror_functions",
    "name_servers",
    "own_address",
    "both_go_on",
    "cut_inside",
    "easy_creation",
    "memory_limits",
    "software_faults",
    "reconfigure",
    "reconfigure_broken",
    "disk_faults",
    "event_rules",
    "floating_ip_settings",
    "monitoring",
    "operation_forms",
    "partitioning",
    "remote_lan",
    "printers",
    "registry",
    "removal",
    "replace_disk",
    "replace_server",
    "script_commands",
    "second_cluster",
    "service_start_mode",
    "services",
    "virtual_ip",
)
# What a lab cannot do: a virtual machine's disk does not fail on demand, its system disk is out of reach without
# power, systemd starts its daemons again, its memory is fixed, an agent waits for every answer, and the machines'
# public LAN leads to no router and to no other servers.
BEYOND = {
    choice.VAGRANT: (
        "cut_inside",
        "disk_faults",
        "memory_limits",
        "remote_lan",
        "replace_server",
        "second_cluster",
        "service_start_mode",
        "services",
        "software_faults",
    )
}


def describe(lab: str, scale: float) -> dict[str, Any]:
    """What this adapter is and what can be asked of it here."""
    return {
        "lab": f"{lab} (time scale {scale:g})",
        "contract": CONTRACT,
        "port": "twinset",
        "version": importlib.metadata.version("twinset"),
        "filesystem": "ext4",
        "time_scale": scale,
        "timing_s": TIMING_S,
        "capabilities": [each for each in CAPABILITIES if each not in BEYOND.get(lab, ())],
        "tiers": {"static": "", "pair": choice.reason_to_skip(lab)},
    }


def validate(args: Args) -> dict[str, Any]:
    """The reference's findings about a configuration."""
    document = neutral.document(needed(args, "config", dict), neutral.Places())
    if os.environ.get(CLI):
        findings = _checked_by_command(neutral.toml(document))
    else:
        from twinset.config import check_document

        findings = [finding.as_json() for finding in check_document(document)]
    return {"accepted": not any(f["severity"] == "error" for f in findings), "findings": findings}


def _checked_by_command(text: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cluster.toml"
        file.write_text(text, encoding="utf-8")
        argv = [sys.executable, "-m", "twinset.operator.cli", "check", str(file), "--json"]
        result = run(argv, check=False, timeout_s=60)
    answer = json.loads(result.stdout)
    found = answer if isinstance(answer, list) else answer["findings"]
    return list(found)


def estimate(args: Args) -> dict[str, Any]:
    """The reference's planning formulas: the table says which."""
    what = args.get("what")
    if what not in ESTIMATES:
        raise Answer(UNSUPPORTED, f"no estimate of {what!r}")
    return ESTIMATES[what](args)


def _set_memory(args: Args) -> dict[str, Any]:
    from twinset.config.cluster import MirrorSet
    from twinset.guide.memory import set_memory_kib

    options = {key: args[key] for key in ("max_io_kib", "max_io_count") if key in args}
    made = MirrorSet(name="set1", disks=(), partitions=(), **options)
    return {
        "max_io_kib": made.max_io_kib,
        "max_io_count": made.max_io_count,
        "memory_kib": set_memory_kib(made.max_io_kib, made.max_io_count),
    }


def _cluster_memory(args: Args) -> dict[str, Any]:
    from twinset.config import loads
    from twinset.guide.memory import cluster_memory_kib

    loaded = loads(neutral.toml(neutral.document(needed(args, "config", dict), neutral.Places())))
    return {
        "memory_kib": cluster_memory_kib((each.max_io_kib, each.max_io_count) for each in loaded.mirror_sets)
    }


def _heartbeat(_args: Args) -> dict[str, Any]:
    from twinset.config.cluster import Timing
    from twinset.guide.limits import HEARTBEAT_INTERVAL_S

    timing = Timing()
    return {
        "interval_s": int(HEARTBEAT_INTERVAL_S),
        "count": timing.heartbeat_timeout_count,
        "timeout_s": timing.heartbeat_timeout_s,
    }


def _switching_time(args: Args) -> dict[str, Any]:
    from twinset.guide.switching_time import estimate as switching_time

    return {"resources_s": switching_time(needed(args, "resources", dict)).resources_s}


def easy_scripts(args: Args) -> dict[str, Any]:
    """The reference's ready-made scripts."""
    from twinset.operator.script_templates import TEMPLATES, render

    kind, group = str(needed(args, "kind")).replace("_", "-"), str(needed(args, "group"))
    if kind not in TEMPLATES:
        raise Answer(REFUSED, f"there is no template for {kind}", "E_UNSUPPORTED")
    words = {name.upper(): str(needed(args, name)) for name in ("share", "path", "address")}
    made = render(kind, group, "/etc/twinset/scripts", {**words, "GUEST": "yes"})
    return {part: made[f"{group}-{part}"] for part in ("start", "stop")}


ESTIMATES: dict[str, Verb] = {
    "memory": _set_memory,
    "cluster_memory": _cluster_memory,
    "heartbeat": _heartbeat,
    "switching_time": _switching_time,
}


def advise(args: Args, pair: PairVerbs) -> dict[str, Any]:
    """Servers that are only described, or those of the lab."""
    return advising.described(args) if "servers" in args else pair.advise(args)


def verbs(pair: PairVerbs, lab: str = choice.NAMESPACES, scale: float = 0.1) -> dict[str, Verb]:
    """Every verb of the contract that this adapter has."""
    return {
        "describe": lambda _args: describe(lab, scale),
        "validate": validate,
        "estimate": estimate,
        "inspect_disk": inspect_disk,
        "adjust_disk": adjust_disk,
        "easy_scripts": easy_scripts,
        "advise": lambda args: advise(args, pair),
        **pair.table(),
    }


def main() -> int:
    """Serve until the suite closes the input; whatever was brought up is torn down."""
    # Whatever a library prints must not stand between the answers.
    with os.fdopen(os.dup(1), "wb") as answers, contextlib.redirect_stdout(sys.stderr):
        try:
            lab = choice.chosen(os.environ.get(LAB, choice.AUTO))
        except HarnessError as error:
            print(f"adapter: {error}", file=sys.stderr)
            return 2
        scale = float(os.environ.get(SCALE, choice.SCALES[lab]))
        pair = PairVerbs(choice.maker(lab, scale))
        try:
            lines.serve(verbs(pair, lab, scale), sys.stdin.buffer, answers)
        finally:
            pair.teardown({})
    return 0


if __name__ == "__main__":
    sys.exit(main())
