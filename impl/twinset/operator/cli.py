"""`twinset`, the operator's command: words in, one request to twinsetd, its answer for a person or as JSON.

Exit status: 0 done, 1 refused, failed or findings, 2 wrong usage, 3 twinsetd not reachable.
"""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from twinset.errors import Refusal
from twinset.operator import (
    apply_cli,
    disk_cli,
    events_cli,
    join_cli,
    local,
    maintenance_cli,
    mirror_cli,
    password,
    registry_cli,
    render,
    script_cli,
    support_cli,
)
from twinset.operator.talk import REFUSED, Json, request
from twinset.shell.paths import Paths

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Operate a twinset cluster of two servers."
)
cluster_app = typer.Typer(no_args_is_help=True, help="The cluster as a whole.")
server_app = typer.Typer(no_args_is_help=True, help="One of the two servers.")
group_app = typer.Typer(no_args_is_help=True, help="Failover groups.")
program_app = typer.Typer(no_args_is_help=True, help="Programs that scripts have started by ARMLOAD.")
app.command("apply")(apply_cli.apply)
app.command("join")(join_cli.join)
app.add_typer(join_cli.key_app, name="key")
app.command("events")(events_cli.events)
app.command("alerts")(events_cli.alerts)
app.command("collect")(support_cli.collect)
app.command("timeline")(support_cli.timeline)
cluster_app.command("configuration")(apply_cli.configuration)
app.add_typer(program_app, name="program")
app.add_typer(cluster_app, name="cluster")
app.add_typer(server_app, name="server")
app.add_typer(group_app, name="group")
group_app.add_typer(script_cli.app, name="script")
app.add_typer(mirror_cli.app, name="mirror")
app.add_typer(disk_cli.app, name="disk")
app.add_typer(registry_cli.app, name="registry")
app.add_typer(maintenance_cli.upgrade_app, name="upgrade")
app.add_typer(maintenance_cli.uninstall_app, name="uninstall")

ServerName = Annotated[str | None, typer.Argument(metavar="[SERVER]", help="default: see the command's help")]
GroupName = Annotated[str, typer.Argument(metavar="GROUP")]


@app.callback()
def common(
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="the cluster password: first line of a file that its owner only reads"
        ),
    ] = None,
) -> None:
    """Operate a twinset cluster of two servers."""
    try:
        password.take_file(password_file)
    except Refusal as refusal:
        render.refusal(refusal, as_json=False)
        raise typer.Exit(REFUSED) from None


@app.command()
def check(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: Json = False) -> None:
    """Say everything that is wrong with a configuration file."""
    from twinset.operator.check import run_check

    raise typer.Exit(run_check(file, as_json))


@app.command("own-address", context_settings={"ignore_unknown_options": True})
def own_address(
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...")],
) -> None:
    """Run a command for which this server's own name stands for ADDRESS alone (5.2.2-21)."""
    from twinset.operator.own_address import run_own_address

    local.guarded(lambda: run_own_address(address, command), as_json=False)


@app.command("memory")
def memory(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: Json = False) -> None:
    """Say how much memory the mirror sets of a configuration need, and whether this server has it."""
    from twinset.operator.memory import run_memory

    raise typer.Exit(run_memory(file, as_json=as_json))


@app.command()
def plan(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    write_mib_s: Annotated[
        float, typer.Option(min=0, help="what applications write, for the mirror connect")
    ] = 0,
    scripts_s: Annotated[
        float | None, typer.Option(min=0, help="a start script (default: as measured)")
    ] = None,
    events_file: Annotated[Path | None, typer.Option("--events", help="another server's event log")] = None,
    measured: Annotated[
        Path | None, typer.Option(help="coefficients of `python -m perf`: say what to expect")
    ] = None,
    disk_iops: Annotated[float, typer.Option(min=0, help="of each server's disk")] = 0,
    disk_mib_s: Annotated[float, typer.Option(min=0, help="of each server's disk")] = 0,
    disk_us: Annotated[
        float | None, typer.Option(min=0, help="of one operation of it (default: by --disk-iops)")
    ] = None,
    link_mbit: Annotated[float, typer.Option(min=0, help="of the mirror connect")] = 0,
    round_trip_us: Annotated[float | None, typer.Option(min=0, help="between the servers")] = None,
    processors: Annotated[int, typer.Option(min=0, help="of each server, for its mirror process")] = 0,
    as_json: Json = False,
) -> None:
    """Say what a configuration costs: switching time, memory, copies, load of the mirror connect.

    With --measured also the overhead, rebuilds, link and outages to expect, on a machine as described; what is not
    described is as measured.
    """
    from twinset.advice.expectation import Machine
    from twinset.operator.plan import run_plan

    machine = Machine(disk_iops, disk_mib_s, disk_us, link_mbit, round_trip_us, processors)

    def work() -> int:
        return run_plan(
            file,
            Paths.from_environment(),
            write_mib_s=write_mib_s,
            scripts_s=scripts_s,
            events=events_file,
            as_json=as_json,
            coefficients=measured,
            machine=machine if machine != Machine() else None,
        )

    local.guarded(work, as_json=as_json)


@app.command()
def doctor(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="default: the active one")] = None,
    as_json: Json = False,
) -> None:
    """Look at both servers: what is missing, what the guide advises, what only a person can check."""
    from twinset.operator.doctor import run_doctor

    local.guarded(lambda: run_doctor(file, Paths.from_environment(), as_json=as_json), as_json=as_json)


@app.command()
def lmhosts(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: Json = False) -> None:
    """Print what a client's LMHOSTS file may say about the virtual computer names of a configuration file."""
    from twinset.operator.lmhosts import run_lmhosts

    raise typer.Exit(run_lmhosts(file, as_json))


@cluster_app.command("create")
def cluster_create(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: Json = False) -> None:
    """Make a configuration file the active one on both servers; the cluster must be stopped."""
    text = apply_cli.text_of(file, as_json=as_json)
    request("cluster.create", render.created, as_json, text=text)


@cluster_app.command("start")
def cluster_start(as_json: Json = False) -> None:
    """Start the cluster: both servers, and the groups whose startup attribute is automatic."""
    request("cluster.start", render.done("The cluster operates."), as_json)


@cluster_app.command("stop")
def cluster_stop(as_json: Json = False) -> None:
    """Shut the cluster down: groups stop on both servers, nothing fails over."""
    request("cluster.stop", render.done("The cluster is stopped."), as_json)


@cluster_app.command("status")
def cluster_status(as_json: Json = False) -> None:
    """Show servers, groups and mirror sets."""
    request("cluster.status", render.cluster_status, as_json)


@server_app.command("return")
def server_return(server: ServerName = None, as_json: Json = False) -> None:
    """Take a restarted server back into the cluster (default: the isolated one) and rebuild its mirrors."""
    request("server.return", render.done("The server has returned to the cluster."), as_json, server=server)


@server_app.command("shutdown")
def server_shutdown(server: ServerName = None, as_json: Json = False) -> None:
    """Let one server (default: this one) leave the cluster; its groups fail over."""
    request("server.shutdown", render.done("The server has left the cluster."), as_json, server=server)


@server_app.command("replace")
def server_replace(server: Annotated[str, typer.Argument(metavar="SERVER")], as_json: Json = False) -> None:
    """Give this cluster's configuration to a new machine that takes the place of SERVER, lost for good."""
    request("server.replace", render.replaced, as_json, server=server)


@server_app.command("isolate")
def server_isolate(server: Annotated[str, typer.Argument(metavar="SERVER")], as_json: Json = False) -> None:
    """Take a server that runs no group out of the cluster for a snapshot or a backup; `server return` ends it."""
    text = "The server is isolated. Read it there: twinset mirror read SET"
    request("server.isolate", render.done(text), as_json, server=server)


@group_app.command("start")
def group_start(group: GroupName, server: ServerName = None, as_json: Json = False) -> None:
    """Start a group (default: on the best server of its policy)."""
    request("group.start", render.group_done("started"), as_json, group=group, server=server)


@group_app.command("stop")
def group_stop(group: GroupName, as_json: Json = False) -> None:
    """Stop a group."""
    request("group.stop", render.group_done("stopped"), as_json, group=group)


@group_app.command("move")
def group_move(group: GroupName, server: ServerName = None, as_json: Json = False) -> None:
    """Stop a group where it runs and start it on the other server."""
    request("group.move", render.group_done("moved"), as_json, group=group, server=server)


@group_app.command("list")
def group_list(as_json: Json = False) -> None:
    """Show every group with its state and place."""
    request("group.list", render.group_list, as_json)


@program_app.command("list")
def program_list(as_json: Json = False) -> None:
    """Show what ARMLOAD has started on this server, and how often it was started again."""
    request("program.list", render.program_list, as_json)


@registry_cli.app.command("status")
def registry_status(as_json: Json = False) -> None:
    """Show the keys that follow groups, with the version of each that this server holds."""
    request("registry.status", render.registry_status, as_json)


def main() -> None:
    """Run the command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone
        sys.stderr.close()
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
