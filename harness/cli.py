"""``twinset-lab``: a lab to look around in.

twinset-lab up            two servers, a client and their networks, until twinset-lab down
twinset-lab shell HOST    a shell on a host (more words: a command instead of the shell)
twinset-lab status        the labs of this machine
twinset-lab off|on|pause|resume HOST, cut LAN [HOST [DIRECTION]], heal [LAN]      faults by hand
twinset-lab down          end the lab
twinset-lab clean         remove what killed runs left, and nothing else
twinset-lab preflight     what this machine lacks
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness import preflight
from harness.errors import HarnessError, LabError
from harness.labs import cleaning, state
from harness.labs.host import Host
from harness.labs.namespaces import TWINSETD, Lab
from harness.labs.pair import CONFIGURATION, write_configuration
from harness.run import call_foreground

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, rich_markup_mode=None)
LabOption = Annotated[str, typer.Option("--lab", help="the run's identifier, when several labs are up")]


def _directory(run_id: str) -> Path:
    """The lab meant: the named one, or the only one that runs."""
    running = []
    for directory in state.runs():
        lab_state = state.load(directory)
        if lab_state.keeper is not None and lab_state.keeper.alive and run_id in ("", lab_state.run_id):
            running.append(directory)
    if len(running) != 1:
        names = ", ".join(d.name for d in running) or "none"
        raise LabError(f"labs that run: {names}. twinset-lab up brings one up; --lab names one of several")
    return running[0]


def _host(run_id: str, name: str) -> tuple[Lab, Host]:
    lab = Lab.attach(_directory(run_id))
    return lab, lab.host(name)


@app.command()
def up(
    scale: Annotated[float, typer.Option(help="every duration of the cluster is multiplied by this")] = 0.1,
    disk_mib: Annotated[int, typer.Option(help="size of each server's disk")] = 256,
    *,
    daemon: Annotated[bool, typer.Option(help="run twinsetd on the servers")] = True,
    volatile: Annotated[bool, typer.Option(help="disks with a volatile write cache")] = True,
) -> None:
    """Bring a lab up and leave it running."""
    lacking = preflight.missing()
    if lacking:
        typer.echo(preflight.report(lacking))
        raise typer.Exit(1)
    lab = Lab.create(
        scale=scale,
        disk_mib=disk_mib,
        volatile_cache=volatile,
        daemon=TWINSETD if daemon else None,
        name="up",
    )
    for server in lab.servers:
        write_configuration(lab, server)
    lab.keep()
    typer.echo(lab.topology.diagram())
    typer.echo(f"\nlab {lab.state.run_id} is up (artefacts: {lab.artefacts.directory}). Next, for instance:")
    typer.echo(f"  twinset-lab shell server1 twinset cluster create {CONFIGURATION}")
    typer.echo("  twinset-lab shell server1        twinset-lab off server1        twinset-lab down")


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,  # what follows the host is the command's, --help too
    }
)
def shell(context: typer.Context, host: str, lab: LabOption = "") -> None:
    """Give a shell on a host, or run one command there."""
    _, machine = _host(lab, host)
    command = context.args or [os.environ.get("SHELL", "/bin/bash")]
    env = {**machine.env, "PS1": f"{host}# "}
    raise typer.Exit(call_foreground(machine.argv(command), env=env))


@app.command()
def status() -> None:
    """Show the labs of this machine and which hosts have power."""
    for directory in state.runs():
        lab_state = state.load(directory)
        alive = lab_state.keeper is not None and lab_state.keeper.alive
        typer.echo(f"{lab_state.run_id}  {'up' if alive else 'dead'}  scale {lab_state.scale}  {directory}")
        for host in lab_state.topology.hosts:
            mark = lab_state.hosts.get(host.name)
            power = f"on (pid {mark.pid})" if mark is not None and mark.alive else "off"
            typer.echo(f"  {host.name:<10} {power}")
        for lan, name, direction in lab_state.cuts:
            typer.echo(f"  cut: {name} off {lan} ({direction})")


@app.command()
def on(host: str, lab: LabOption = "") -> None:
    """Give a host power."""
    attached, machine = _host(lab, host)
    attached.power_on(machine)


@app.command()
def off(host: str, lab: LabOption = "") -> None:
    """Cut a host's power."""
    attached, machine = _host(lab, host)
    attached.power_off(machine)


@app.command()
def pause(host: str, lab: LabOption = "") -> None:
    """Stop every process of a host."""
    _host(lab, host)[1].pause()


@app.command()
def resume(host: str, lab: LabOption = "") -> None:
    """Continue every process of a host."""
    _host(lab, host)[1].resume()


@app.command()
def cut(
    lan: str,
    host: Annotated[str, typer.Argument(help="default: both servers")] = "",
    direction: Annotated[str, typer.Argument(help="both, in, out or silent, as the host sees it")] = "both",
    lab: LabOption = "",
) -> None:
    """Cut a host off a LAN."""
    Lab.attach(_directory(lab)).cut(lan, [host] if host else None, direction)


@app.command()
def heal(lan: Annotated[str, typer.Argument(help="default: all")] = "", lab: LabOption = "") -> None:
    """Undo the cuts of a LAN, or all."""
    Lab.attach(_directory(lab)).heal(lan or None)


@app.command()
def down(lab: LabOption = "") -> None:
    """End a lab."""
    attached = Lab.attach(_directory(lab))
    attached.destroy()
    typer.echo(f"lab {attached.state.run_id} is gone; its artefacts: {attached.artefacts.directory}")


@app.command()
def clean() -> None:
    """Remove what killed runs left behind."""
    for line in cleaning.clean() or ["nothing to remove"]:
        typer.echo(line)


@app.command(name="preflight")
def preflight_command(
    *, demo: Annotated[bool, typer.Option(help="also what the demonstration needs")] = False
) -> None:
    """Say what this machine lacks for a lab."""
    lacking = preflight.missing(demo=demo)
    typer.echo(preflight.report(lacking))
    raise typer.Exit(1 if lacking else 0)


def main() -> None:
    """Entry point: the harness's own errors are sentences, not tracebacks."""
    try:
        app()
    except HarnessError as error:
        typer.echo(f"twinset-lab: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
