"""A service manager for hosts that have none: services that `systemctl` starts, stops and shows, and nothing more.

``python -m harness.labs.services define NAME PROGRAM ...``: the host has this service from now on, and a ``systemctl``
that knows it, before any other in the PATH of the lab's programs. ``... pid NAME`` prints the pid of its main process.
"""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from harness.run import popen
from harness.wait import wait_for

FOLDER = Path("/run/lab-services")
PROGRAMS = FOLDER / "bin"
SYSTEMD = Path("/run/systemd/system")  # there exactly when systemd is the machine's init: sd_booted(3)
MODULE = "harness.labs.services"
ACTIVE, INACTIVE, FAILED = "active", "inactive", "failed"
SUBSTATES = {ACTIVE: "running", INACTIVE: "dead", FAILED: "failed"}
CHANGE_S = 30.0


def define(name: str, argv: list[str]) -> None:
    """Have a service of that name, stopped, and the command that starts it."""
    for folder in (PROGRAMS, SYSTEMD):
        folder.mkdir(parents=True, exist_ok=True)
    _file(name, "argv").write_text(json.dumps(argv))
    _tell(name, INACTIVE, 0)
    command = PROGRAMS / "systemctl"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m {MODULE} systemctl "$@"\n')
    command.chmod(0o755)


def start(name: str) -> None:
    """Start a service, unless it runs; a supervisor of its own sees how it ends."""
    if _told(name)["active"] == ACTIVE:
        return
    _file(name, "stopping").unlink(missing_ok=True)
    with Path(os.devnull).open("w") as nowhere:
        popen([sys.executable, "-m", MODULE, "supervise", name], stdout=nowhere, stderr=nowhere)
    wait_for(lambda: _told(name)["active"] == ACTIVE, CHANGE_S, f"service {name} to run")


def stop(name: str) -> None:
    """Stop a service: what ends it now ends it in order."""
    _file(name, "stopping").touch()
    with contextlib.suppress(ProcessLookupError):
        if pid := _told(name)["pid"]:
            os.kill(pid, signal.SIGTERM)
    wait_for(lambda: _told(name)["active"] != ACTIVE, CHANGE_S, f"service {name} to end")


def supervise(name: str) -> None:
    """Run a service's program to its end, and note how that was."""
    child = popen(json.loads(_file(name, "argv").read_text()), stdout=sys.stdout, stderr=sys.stderr)
    _tell(name, ACTIVE, child.pid)
    ended_well = child.wait() == 0 or _file(name, "stopping").exists()
    _tell(name, INACTIVE if ended_well else FAILED, 0)


def shown(name: str) -> str:
    """What ``systemctl show`` says of a service."""
    active = str(_told(name)["active"])
    result = "signal" if active == FAILED else "success"
    return f"LoadState=loaded\nActiveState={active}\nSubState={SUBSTATES[active]}\nResult={result}\n"


def systemctl(words: list[str]) -> None:
    """The few commands that are asked of it: start, restart, stop, show."""
    name = words[words.index("--") + 1]
    verb = next(word for word in words if not word.startswith("-"))
    if verb == "show":
        sys.stdout.write(shown(name))
        return
    if verb in ("stop", "restart"):
        stop(name)
    if verb in ("start", "restart"):
        start(name)


def _file(name: str, what: str) -> Path:
    return FOLDER / f"{name}.{what}"


def _tell(name: str, active: str, pid: int) -> None:
    new = _file(name, "new")
    new.write_text(json.dumps({"active": active, "pid": pid}))
    new.replace(_file(name, "state"))


def _told(name: str) -> dict[str, Any]:
    return dict(json.loads(_file(name, "state").read_text()))


def main() -> None:
    """``define NAME PROGRAM ...``, ``pid NAME``, and what those lead to."""
    verb, *words = sys.argv[1:]
    if verb == "define":
        define(words[0], words[1:])
    elif verb == "pid":
        print(_told(words[0])["pid"])
    elif verb == "supervise":
        supervise(words[0])
    else:
        systemctl(words)


if __name__ == "__main__":
    main()
