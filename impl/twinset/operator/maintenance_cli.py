"""``twinset upgrade`` and ``twinset uninstall``: whether it may be done now, and what to do first."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from twinset.advice import maintenance
from twinset.errors import DaemonUnreachable, Refusal
from twinset.operator import local
from twinset.operator.client import Client
from twinset.operator.talk import Json  # noqa: TC001 - typer reads the annotations
from twinset.shell import run
from twinset.shell.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twinset.advice.maintenance import Obstacle

ANSWER_S: Final = 20.0
GUARD: Final = """// Package updates wait while this server runs a group (AUX-02). By: twinset upgrade guard
DPkg::Pre-Install-Pkgs {{ "{program} upgrade packages"; }};
"""

upgrade_app = typer.Typer(no_args_is_help=True, help="Upgrading the programs or the system of a server.")
uninstall_app = typer.Typer(no_args_is_help=True, help="Removing twinset from a server.")


@upgrade_app.command("check")
def upgrade_check(as_json: Json = False) -> None:
    """Say whether this server may be upgraded now; what it runs must not fail over by surprise (AUX-01)."""

    def work() -> int:
        status = _status(Paths.from_environment())
        return _verdict(maintenance.against_upgrade(status), _next_of_upgrade(status), as_json=as_json)

    local.guarded(work, as_json=as_json)


@upgrade_app.command("packages")
def upgrade_packages() -> None:
    """For apt: read names of package files; exit status 1 when one has to wait for this server (AUX-02)."""

    def work() -> int:
        files = sys.stdin.read().split()
        relied_on, obstacles = maintenance.against_packages(files, _status(Paths.from_environment()))
        for each in obstacles:
            held = ", ".join(relied_on)
            sys.stderr.write(f"twinset: {each.text} [{each.clause}]; held back: {held}. Next: {each.help}\n")
        return local.REFUSED if obstacles else 0

    local.guarded(work, as_json=False)


@upgrade_app.command("guard")
def upgrade_guard() -> None:
    """Print the lines that make apt ask `upgrade packages`, for a file in /etc/apt/apt.conf.d."""
    sys.stdout.write(GUARD.format(program=Path(sys.argv[0]).absolute()))


@uninstall_app.command("check")
def uninstall_check(as_json: Json = False) -> None:
    """Say what has to be taken out of the cluster before twinset is removed from its servers (8.3-01)."""
    from twinset import config as configuration  # late: the model of the configuration takes its time
    from twinset.shell import cancellation

    def work() -> int:
        paths = Paths.from_environment()
        config = configuration.load(paths.config) if paths.config.exists() else None
        found = maintenance.against_removal(config, _status(paths), cancellation.left(paths))
        return _verdict(
            found, "systemctl disable --now twinsetd, then remove the package: removing.md", as_json=as_json
        )

    local.guarded(work, as_json=as_json)


def _status(paths: Paths) -> dict[str, Any] | None:
    """What this server shows of its cluster; None where none runs here. Refusal when nobody can tell."""
    try:
        client = Client(paths.api)
    except DaemonUnreachable:
        if _mirrors_go_on(paths):
            text = "twinsetd does not answer, and mirror processes run: groups may be at work here"
            raise Refusal("E_STATE", text, maintenance.UPGRADE, "systemctl start twinsetd") from None
        return None
    try:
        if not client.call("ping", ANSWER_S)["configured"]:
            return None
        status: dict[str, Any] = client.call("cluster.status", ANSWER_S)
    finally:
        client.close()
    return status


def _mirrors_go_on(paths: Paths) -> bool:
    """Whether a mirror process of this server runs; it outlives a twinsetd that was killed."""
    for file in paths.run.glob("mirror-*.pid"):
        with contextlib.suppress(OSError, ValueError):
            if run.is_alive(int(file.read_text())):
                return True
    return False


def _next_of_upgrade(status: dict[str, Any] | None) -> str:
    if status is None:
        return "no cluster runs here: install, then start twinsetd"
    me = status["this_server"]
    if status["servers"][me]["status"] == maintenance.STOPPED:
        return "install, systemctl restart twinsetd, then twinset cluster start"
    return f"install, systemctl restart twinsetd, then twinset server return {me}"


def _verdict(obstacles: Sequence[Obstacle], following: str, *, as_json: bool) -> int:
    if as_json:
        local.print_json(
            {"ok": not obstacles, "obstacles": [each.as_json() for each in obstacles], "next": following}
        )
    else:
        console = Console()
        for each in obstacles:
            console.print(Text(f"not now: {each.text} [{each.clause}]", style="yellow"), soft_wrap=True)
            console.print(Text(f"         next: {each.help}"), soft_wrap=True)
        if not obstacles:
            console.print(Text(f"now. Next: {following}", style="green"), soft_wrap=True)
    return local.REFUSED if obstacles else 0
