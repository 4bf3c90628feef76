"""Looks at this server for the check list of `twinset doctor`. Reads only; twinset.advice judges."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import struct
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twinset.advice.facts import Nic, ScriptFile, ServerFacts
from twinset.config.cluster import same_name
from twinset.errors import TwinsetError
from twinset.resources.printer import plan as printer
from twinset.shell import available_memory, clock, disk_tools, own_accounts, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twinset.config.cluster import ClusterConfig

PROC: Final = Path("/proc")
NET: Final = Path("/sys/class/net")
SMB_CONF: Final = Path("/etc/samba/smb.conf")
APT: Final = Path("/etc/apt/apt.conf.d")
APT_HOOK: Final = "twinset upgrade packages"
SCRIPT_BYTES_MAX: Final = 1 << 20
TOOL_S: Final = 10.0
PROGRAMS: Final = ("mount", "umount", "losetup", "ip", "choom")
BY_FILESYSTEM: Final = {"ext4": "mkfs.ext4", "xfs": "mkfs.xfs", "btrfs": "mkfs.btrfs", "ntfs": "mkntfs"}
COMMAND: Final = re.compile(r"\barm[a-z]{3,5}\b", re.IGNORECASE)
WINS_SERVER: Final = re.compile(r"^[ \t]*wins[ \t]*server[ \t]*=(.*)$", re.IGNORECASE | re.MULTILINE)
SIOCETHTOOL, ETHTOOL_GRINGPARAM = 0x8946, 0x10
RING_NUMBERS: Final = 9  # command; most of rx, mini, jumbo, tx; in use: rx, mini, jumbo, tx
IFNAME_BYTES: Final = 15
Addresses = dict[str, tuple[tuple[str, ...], bool]]  # by interface: with prefix lengths, and whether it is up

LISTENS: Final = {"tcp": "0A", "udp": "07"}  # states in /proc/net: LISTEN, and the only one that UDP has


async def gather(config: ClusterConfig, me: str, state_dir: Path) -> ServerFacts:
    """Return what can be seen of this server, as far as the configuration asks for it."""
    addresses, hooks = await _addresses(), await _filter_hooks()
    return await asyncio.to_thread(_look, config, me, state_dir, addresses, hooks)


def _look(
    config: ClusterConfig, me: str, state_dir: Path, addresses: Addresses, hooks: tuple[str, ...]
) -> ServerFacts:
    """Beside the event loop: a disk that does not answer must not stop the daemon."""
    interfaces = {
        endpoint.interface
        for lan in config.lans
        for endpoint in lan.endpoints
        if same_name(endpoint.server, me)
    }
    scripts = {path for group in config.groups for each in group.scripts for path in (each.start, each.stop)}
    disks, trouble = _disks(config, me, state_dir)
    return ServerFacts(
        server=config.server(me).name,
        version=_version(),
        memory_kib=_memory_kib(),
        available_kib=available_memory.available_kib() or 0,
        processors=os.cpu_count() or 0,
        clock_s=clock.wall(),
        nics={name: _nic(name, addresses[name]) for name in interfaces if name in addresses},
        listening=tuple(sorted(set(_listening()))),
        accounts=own_accounts.known(config),
        name_servers=name_servers_in(_text(SMB_CONF)),
        processes=tuple(sorted(set(_processes()))),
        missing_programs=tuple(sorted(name for name in _programs(config) if shutil.which(name) is None)),
        fuse=Path("/dev/fuse").exists(),
        filter_hooks=hooks,
        scripts={path: _script(path) for path in sorted(scripts)},
        packages_guarded=_packages_guarded(),
        watched_logs={rule.file: os.access(rule.file, os.R_OK) for rule in config.event_rules if rule.file},
        disks=tuple(disks),
        disk_trouble=trouble,
    )


def _version() -> str:
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version("twinset")
    return ""


def _packages_guarded() -> bool:
    """Whether apt asks twinset before it installs (AUX-02); true where there is no apt."""
    return not APT.is_dir() or any(APT_HOOK in _text(file) for file in APT.iterdir())


def _memory_kib() -> int:
    for line in _text(PROC / "meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1])
    return 0


def _programs(config: ClusterConfig) -> Iterator[str]:
    yield from PROGRAMS
    kinds = {
        mount.filesystem for group in config.groups for disk in group.mirror_disks for mount in disk.mounts
    }
    yield from (BY_FILESYSTEM[kind] for kind in kinds if kind in BY_FILESYSTEM)
    if any(key.store == "samba" for group in config.groups for key in group.registry_keys):
        yield "net"
    if any(group.printers for group in config.groups):
        yield from printer.PROGRAMS
    if any(rule.journal for rule in config.event_rules):
        yield "journalctl"


async def _addresses() -> Addresses:
    """By interface: its IPv4 addresses with prefix lengths, and whether it is up."""
    result = await run.run(["ip", "-json", "address"], timeout_s=TOOL_S)
    found: Addresses = {}
    with contextlib.suppress(ValueError, KeyError, TypeError):
        for entry in json.loads(result.stdout):
            inet = [each for each in entry["addr_info"] if each.get("family") == "inet"]
            texts = tuple(f"{each['local']}/{each['prefixlen']}" for each in inet)
            found[str(entry["ifname"])] = (texts, "UP" in entry["flags"])
    return found


def _nic(name: str, seen: tuple[tuple[str, ...], bool]) -> Nic:
    addresses, up = seen
    rx_ring, rx_ring_max = _rings(name)
    return Nic(
        addresses=addresses,
        up=up,
        speed_mbps=max(0, _number(NET / name / "speed")),
        rx_ring=rx_ring,
        rx_ring_max=rx_ring_max,
        neighbours=tuple(sorted(_neighbours(name))),
        protocols=tuple(sorted(set(_protocols(name)))),
    )


def _rings(name: str) -> tuple[int, int]:
    """Receive buffers in use and at most; zeros when the driver does not say."""
    answer = (ctypes.c_uint32 * RING_NUMBERS)(ETHTOOL_GRINGPARAM)
    pointer = struct.pack("P", ctypes.addressof(answer))
    request = name.encode()[:IFNAME_BYTES].ljust(16, b"\0") + pointer.ljust(24, b"\0")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, SIOCETHTOOL, request)
    except OSError:
        return 0, 0
    return answer[5], answer[1]


def _neighbours(name: str) -> Iterator[str]:
    for line in _text(PROC / "net" / "arp").splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 6 and fields[5] == name and fields[3] != "00:00:00:00:00:00":
            yield fields[0]


def _protocols(name: str) -> Iterator[str]:
    """Types of frames that are listened for on this interface alone, or on all."""
    for line in _text(PROC / "net" / "ptype").splitlines()[1:]:
        fields = line.split()
        if len(fields) == 2 or (len(fields) == 3 and fields[1] == name):
            yield fields[0]


def _listening() -> Iterator[str]:
    for protocol, state in LISTENS.items():
        for name in (protocol, f"{protocol}6"):
            for line in _text(PROC / "net" / name).splitlines()[1:]:
                fields = line.split()
                if len(fields) > 3 and fields[3] == state:
                    yield f"{protocol}/{int(fields[1].rpartition(':')[2], 16)}"


def name_servers_in(text: str) -> tuple[str, ...]:
    """Return the WINS servers of an smb.conf: the last setting counts."""
    found = WINS_SERVER.findall(text)
    return tuple(re.split(r"[\s,]+", found[-1].strip())) if found and found[-1].strip() else ()


def _processes() -> Iterator[str]:
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (name := _text(entry / "comm").strip()):
            yield name


async def _filter_hooks() -> tuple[str, ...]:
    """Chains of nftables on input whose policy is to drop, or that have a rule which drops or rejects."""
    if shutil.which("nft") is None:
        return ()
    result = await run.run(["nft", "--json", "list", "ruleset"], timeout_s=TOOL_S)
    try:
        return dropping_chains(json.loads(result.stdout)["nftables"])
    except (ValueError, KeyError, TypeError):
        return ()


def dropping_chains(objects: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the input chains among the objects of `nft --json list ruleset` that may drop a packet."""
    found = set()
    hooked = set()
    for each in objects:
        chain = each.get("chain", {})
        name = f"{chain.get('family')} {chain.get('table')} {chain.get('name')}"
        if chain.get("hook") == "input":
            hooked.add(name)
            if chain.get("policy") == "drop":
                found.add(name)
    for each in objects:
        rule = each.get("rule", {})
        name = f"{rule.get('family')} {rule.get('table')} {rule.get('chain')}"
        if name in hooked and any("drop" in part or "reject" in part for part in rule.get("expr", ())):
            found.add(name)
    return tuple(sorted(found))


def _script(path: str) -> ScriptFile:
    file = Path(path)
    try:
        with file.open("rb") as opened:
            content = opened.read(SCRIPT_BYTES_MAX)
    except OSError:
        return ScriptFile()
    words = COMMAND.findall(content.decode(errors="replace"))
    return ScriptFile(
        executable=file.is_file() and os.access(file, os.X_OK),
        digest=hashlib.sha256(content).hexdigest(),
        commands=tuple(sorted({word.upper() for word in words})),
    )


def _disks(config: ClusterConfig, me: str, state_dir: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Each mirror disk of this server as `twinset disk inspect` sees it, and why some cannot be looked at."""
    found: list[dict[str, Any]] = []
    trouble: dict[str, str] = {}
    for mirror_set in config.mirror_sets:
        path = mirror_set.disk_path(me)
        try:
            found.append(disk_tools.look(path, state_dir, probe=False).as_json())
        except TwinsetError as error:
            trouble[path] = str(error)
    return found, trouble


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _number(path: Path) -> int:
    try:
        return int(_text(path).strip())
    except ValueError:
        return 0
