"""A print scheduler (CUPS) of a group's own, whose spool lies on the group's mirror disk (6.1-06): pure.

Queues and jobs are part of the spool, so they move with the group; what belongs to one server and one boot (socket,
state, logs) lies in the run directory. The server's own scheduler, if it has one, is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from twinset.config.cluster import PrintQueue

PORT: Final = 631  # of IPP
LOG_BYTES_MAX: Final = 1 << 20
SCHEDULER: Final = "cupsd"
PROGRAMS: Final = (SCHEDULER, "lpadmin", "lpstat")


@dataclass(frozen=True)
class Files:
    """Where everything of one scheduler lies."""

    spool: Path  # on the mirror disk
    run: Path

    @property
    def directories(self) -> tuple[Path, ...]:
        """What has to be there before it starts; the rest it makes itself, with its own owners and modes."""
        return (self.spool / "etc", self.run / "state")

    @property
    def settings(self) -> Path:
        """Its cupsd.conf."""
        return self.run / "cupsd.conf"

    @property
    def places(self) -> Path:
        """Its cups-files.conf."""
        return self.run / "cups-files.conf"

    @property
    def socket(self) -> Path:
        """Where root on this server administers it."""
        return self.run / "cups.sock"

    @property
    def record(self) -> Path:
        """Which process it is, for a daemon that comes later."""
        return self.run / "record.json"

    @property
    def log(self) -> Path:
        """What it complains about."""
        return self.run / "error_log"


def files(run_dir: Path, group: str, spool: str) -> Files:
    """Return the files of a group's scheduler."""
    return Files(Path(spool), run_dir / "printers" / group)


def settings(where: Files, addresses: Sequence[str]) -> str:
    """Clients print and look at their jobs through the group's addresses; administration needs root and the socket."""
    listens = [f"Listen {address}:{PORT}" for address in addresses]
    return _text(
        *listens,
        f"Listen {where.socket}",
        "ServerAlias *",
        "HostNameLookups Off",
        "Browsing Off",
        "WebInterface No",
        "DefaultShared Yes",
        "ErrorPolicy retry-job",
        "DirtyCleanInterval 0",  # else an accepted job is on the disk half a minute later
        "LogLevel warn",
        f"MaxLogSize {LOG_BYTES_MAX}",
        "<Location />",
        "  Order allow,deny",
        "  Allow all",
        "</Location>",
        "<Location /admin>",
        "  Order allow,deny",
        "  Allow localhost",
        "</Location>",
    )


def places(where: Files) -> str:
    """Jobs and queues on the mirror disk, written through; the rest of this boot only."""
    return _text(
        f"ServerRoot {where.spool / 'etc'}",
        f"RequestRoot {where.spool / 'jobs'}",
        f"CacheDir {where.spool / 'cache'}",
        f"StateDir {where.run / 'state'}",
        f"ErrorLog {where.log}",
        f"AccessLog {where.run / 'access_log'}",
        f"PageLog {where.run / 'page_log'}",
        "SyncOnClose Yes",
    )


def scheduler(where: Files) -> list[str]:
    """Run it; it stays in the foreground."""
    return [SCHEDULER, "-f", "-c", str(where.settings), "-s", str(where.places)]


def ask(where: Files) -> list[str]:
    """Ask whether it answers, and which queue prints to which device."""
    return ["lpstat", "-h", str(where.socket), "-r", "-v"]


def changes(where: Files, wanted: Sequence[PrintQueue], present: Mapping[str, str]) -> list[list[str]]:
    """What makes the queues those of the configuration; one that is as it should be keeps what was set by hand."""
    tool = ["lpadmin", "-h", str(where.socket)]
    names = {queue.name.casefold() for queue in wanted}
    found = [[*tool, "-x", name] for name in present if name.casefold() not in names]
    kept = {name.casefold(): device for name, device in present.items()}
    for queue in wanted:
        if kept.get(queue.name.casefold()) != queue.device:
            model = ["-m", queue.model] if queue.model else []
            found.append(
                [*tool, "-p", queue.name, "-v", queue.device, *model, "-o", "printer-is-shared=true", "-E"]
            )
    return found


def _text(*lines: str) -> str:
    return "\n".join(("# Written by twinset at each start of the group.", *lines, ""))
