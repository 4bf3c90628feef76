"""What helps somebody who was not there: the files of a support bundle of this server. Nothing in it is a secret.

Never taken: the cluster key. What is named like a password, secret, token or SNMP community is blanked wherever a line
assigns it.
"""

from __future__ import annotations

import asyncio
import json
import platform
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from twinset import config as configuration
from twinset.errors import TwinsetError
from twinset.shell import clock, disk_tools, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from twinset.shell.paths import Paths

FILE_BYTES_MAX: Final = 2 << 20  # the end of each
FILES_MAX: Final = 400
COMMAND_S: Final = 15.0
COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "system/addresses.json": ("ip", "-j", "address", "show"),
    "system/routes.json": ("ip", "-j", "route", "show"),
    "system/links.txt": ("ip", "-s", "link", "show"),
    "system/disks.json": ("lsblk", "-J", "-b", "-o", "NAME,SIZE,TYPE,FSTYPE,MOUNTPOINTS,SERIAL"),
    "system/mounts.txt": ("findmnt", "--noheadings", "--list"),
    "system/processes.txt": ("ps", "-eo", "pid,ppid,stat,etimes,rss,args"),
    "system/journal.txt": ("journalctl", "--no-pager", "-u", "twinsetd", "-n", "5000"),
}
_NAME: Final = r"[\w-]*(?:password|passwd|secret|token|community)[\w-]*"
_LINE: Final = re.compile(rf"""^(\s*"?{_NAME}"?\s*[=:]\s*)(.*?)(,?\s*)$""", re.MULTILINE | re.IGNORECASE)
_INLINE: Final = re.compile(rf"""((?:"|\b){_NAME}"?\s*[=:]\s*)("(?:[^"\\]|\\.)*"|'[^']*')""", re.IGNORECASE)


def blanked(text: str) -> str:
    """Return the text with every password and community replaced."""
    return _LINE.sub(r'\1"***"\3', _INLINE.sub(r'\1"***"', text))


async def gather(paths: Paths, me: str, live: Mapping[str, Any], trace: str) -> dict[str, bytes]:
    """Return the files of this server by name; what cannot be had says so in its place."""
    files: dict[str, bytes] = {"trace.txt": trace.encode()}
    for name, value in live.items():
        files[f"live/{name}.json"] = json.dumps(value, indent=1, sort_keys=True, default=str).encode()
    files["about.json"] = json.dumps(_about(me), indent=1).encode()
    files |= await asyncio.to_thread(_kept, paths)
    files |= await asyncio.to_thread(_metadata, paths, me)
    outcomes = await asyncio.gather(*(run.run(argv, timeout_s=COMMAND_S) for argv in COMMANDS.values()))
    for name, outcome in zip(COMMANDS, outcomes, strict=True):
        said = outcome.stdout if outcome.ok else f"{outcome.stdout}\n{outcome.reason()}\n"
        files[name] = said.encode()[-FILE_BYTES_MAX:]
    return {name: blanked(data.decode(errors="replace")).encode() for name, data in files.items()}


def _about(me: str) -> dict[str, Any]:
    return {
        "server": me,
        "wall_s": clock.wall(),
        "boottime_ms": clock.now_ms(),
        "python": sys.version,
        "system": platform.platform(),
    }


def _kept(paths: Paths) -> dict[str, bytes]:
    """The files of twinset itself: the state directory and the run directory, the end of each."""
    found: dict[str, bytes] = {}
    for label, root, patterns in (
        (
            "state",
            paths.state,
            ("*.json", "*.jsonl", "*.jsonl.1", "cluster.toml*", "scripts/*.log", "registry/hives/*"),
        ),
        ("run", paths.run, ("*.json", "*.log", "*.pid", "boot_id", "devices/*.json", "devices/*.log")),
    ):
        for pattern in patterns:
            for path in sorted(root.glob(pattern)):
                if len(found) < FILES_MAX and path.is_file() and path.resolve() != paths.key.resolve():
                    found[f"{label}/{path.relative_to(root)}"] = _end_of(path)
    return found


def _metadata(paths: Paths, me: str) -> dict[str, bytes]:
    """The CLUSTER partition of each disk, both copies of its record, read beside the running mirror."""
    found: dict[str, bytes] = {}
    try:
        config = configuration.load(paths.config)
    except TwinsetError as error:
        return {"metadata/none.txt": str(error).encode()}
    for mirror_set in config.mirror_sets:
        name = f"metadata/{mirror_set.name}.json"
        try:
            seen = disk_tools.look(mirror_set.disk_path(me), paths.state, probe=False)
            body: Any = None if seen.record is None else seen.record.as_json()
            found[name] = json.dumps(body, indent=1, default=str).encode()
        except (TwinsetError, OSError) as error:
            found[name] = json.dumps({"error": str(error)}).encode()
    return found


def _end_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - FILE_BYTES_MAX))
            return file.read(FILE_BYTES_MAX)
    except OSError as error:
        return f"{path}: {error}\n".encode()
