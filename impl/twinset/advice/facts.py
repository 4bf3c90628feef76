"""What one server knows of itself for the check list. Gathered by shell/server_facts.py; travels as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Nic:
    """An interface. 0, "" and empty: not known, or the driver does not say."""

    addresses: tuple[str, ...] = ()
    up: bool = False
    speed_mbps: int = 0
    rx_ring: int = 0
    rx_ring_max: int = 0
    neighbours: tuple[str, ...] = ()  # IPv4 addresses that were seen on its LAN
    protocols: tuple[str, ...] = ()  # types of frames other than IP and ARP that somebody listens for there


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A script of a group, as it lies on this server."""

    executable: bool = False
    digest: str = ""  # "" when it cannot be read
    commands: tuple[str, ...] = ()  # the script commands that its text names, in upper case


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """One server, at one moment."""

    server: str
    version: str = ""
    memory_kib: int = 0
    available_kib: int = 0
    processors: int = 0
    clock_s: float = 0.0  # seconds since 1970
    nics: Mapping[str, Nic] = field(default_factory=dict)
    listening: tuple[str, ...] = ()  # "udp/161", "tcp/88"
    accounts: Mapping[str, int] = field(
        default_factory=dict
    )  # those of the file that the system has: user ID
    name_servers: tuple[str, ...] = ()  # WINS servers that the system's own Samba is set to
    processes: tuple[str, ...] = ()  # names of programs that run
    missing_programs: tuple[str, ...] = ()
    fuse: bool = True
    filter_hooks: tuple[str, ...] = ()  # packet filter chains on input that may drop
    scripts: Mapping[str, ScriptFile] = field(default_factory=dict)
    watched_logs: Mapping[str, bool] = field(default_factory=dict)  # path -> it can be read
    packages_guarded: bool = True  # updates wait while a group runs here; also where no apt is
    disks: tuple[Mapping[str, Any], ...] = ()  # as `twinset disk inspect --json` prints them
    disk_trouble: Mapping[str, str] = field(default_factory=dict)  # path -> why it could not be looked at

    def as_json(self) -> dict[str, Any]:
        """Return it as it travels."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> ServerFacts:
        """Read what another server said; ValueError when it makes no sense."""
        try:
            known = {name: body[name] for name in cls.__slots__ if name in body}
            nics = {str(name): Nic(**_tuples(nic)) for name, nic in dict(known.pop("nics", {})).items()}
            scripts = {
                str(path): ScriptFile(**_tuples(script))
                for path, script in dict(known.pop("scripts", {})).items()
            }
            return cls(**_tuples(known), nics=nics, scripts=scripts)
        except (TypeError, ValueError, AttributeError) as cause:
            raise ValueError(f"no facts of a server: {cause!r}") from None


def _tuples(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}
