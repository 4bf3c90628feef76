"""The cluster password on the side of the commands: from a file, the environment or a terminal, never an argument."""

from __future__ import annotations

import getpass
import os
import sys
from typing import TYPE_CHECKING, Final

from twinset.errors import Refusal
from twinset.guide.limits import CLUSTER_PASSWORD_BYTES_MAX
from twinset.shell.paths import PASSWORD_VARIABLE, TOKEN_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

CLAUSE: Final = CLUSTER_PASSWORD_BYTES_MAX.clause
_given: dict[str, str] = {}  # of this process: what a file or a person said


def take_file(path: Path | None) -> None:
    """Use the first line of a file that only its owner reads; Refusal says what is wrong with it."""
    _given.clear()
    if path is None:
        return
    try:
        with path.open(encoding="utf-8") as file:
            mode, line = os.fstat(file.fileno()).st_mode & 0o077, file.readline()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal("E_NOTFOUND", f"{path}: cannot be read: {error}", CLAUSE) from None
    if mode:
        raise Refusal(
            "E_DENIED", f"{path}: others can read it (mode {mode:03o})", CLAUSE, f"chmod 600 {path}"
        )
    _given["password"] = line.removesuffix("\n")


def shown() -> dict[str, str]:
    """Return what a request shows of itself: the password that was given, the token of what twinsetd started."""
    found = {
        "password": _given.get("password") or os.environ.get(PASSWORD_VARIABLE, ""),
        "token": os.environ.get(TOKEN_VARIABLE, ""),
    }
    return {name: value for name, value in found.items() if value}


def ask(refusal: Refusal) -> bool:
    """Ask a person, when the refusal is for want of the password and there is one to ask; True when one was given."""
    wanted = (refusal.code, refusal.clause) == ("E_DENIED", CLAUSE) and "password" not in shown()
    if not wanted or not _at_terminal():
        return False
    _given["password"] = getpass.getpass("Cluster password: ")
    return bool(_given["password"])


def _at_terminal() -> bool:
    return sys.stdin.isatty()
