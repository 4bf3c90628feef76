"""What to run for the scripts of a group: pure (4.5.2, 5.2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinset.config.cluster import Script

# Of the daemon's own environment a script must not see what belongs to the daemon's supervisor.
NOT_INHERITED: Final = frozenset(
    {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC", "WATCHDOG_PID"}
)
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(inherited: Mapping[str, str], arms: Mapping[str, str], programs: str) -> dict[str, str]:
    """Return the environment: the daemon's, a usable PATH, and the ARMS_ variables of this occasion.

    `programs` is where the script commands are installed: the PATH ends there when it does not name it.
    """
    kept = {name: value for name, value in inherited.items() if name not in NOT_INHERITED}
    path = kept.get("PATH", PATH)
    if programs not in path.split(":"):
        path = f"{path}:{programs}"
    return {"HOME": "/root", "LANG": "C.UTF-8", **kept, "PATH": path, **arms}


def argv(script: Script, action: str) -> list[str]:
    """Return the program for start or stop; it gets no arguments, only variables.

    It is the first to go when memory is short, not the last as the daemon is.
    """
    return ["choom", "-n", "0", "--", script.start if action == "start" else script.stop]


def log_name(group: str, action: str) -> str:
    """Return the name of the file that keeps the output."""
    return f"{group.replace('/', '_')}-{action}.log"


def pid_name(group: str, index: int, action: str) -> str:
    """Return the name of the file that names the script while it runs."""
    return f"script-{group.replace('/', '_')}-{index}-{action}.pid"
