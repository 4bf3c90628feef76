"""`twinset mirror`: the functions of the Mirror Disk Administrator as commands.

What forces something shows what follows from it, and does it only with `--yes`; twinsetd asks for that too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinset.errors import Refusal
from twinset.mirror.latency import EVERY as LATENCY_EVERY
from twinset.mirror.latency import EVERY_MAX as LATENCY_EVERY_MAX
from twinset.operator import (
    kept_cli,
    latency_render,
    mirror_render,
    progress,
    render,
    resolve_render,
    verify_render,
)
from twinset.operator.talk import Json, guarded, request, show

if TYPE_CHECKING:
    from twinset.operator.client import Client

app = typer.Typer(no_args_is_help=True, help="Mirror sets.")
app.add_typer(kept_cli.app, name="kept")

SetName = Annotated[str, typer.Argument(metavar="SET")]
OptionalSet = Annotated[str | None, typer.Argument(metavar="[SET]")]
OnServer = Annotated[
    str | None, typer.Option("--server", help="whose side (default: the server that is asked)")
]
Yes = Annotated[bool, typer.Option("--yes", help="do it; without, only say what follows from it")]
Kib = Annotated[int | None, typer.Option("--max-io-kib", help="maximum I/O size in KiB")]
Count = Annotated[int | None, typer.Option("--max-io-count", help="maximum I/O number")]
HighSpeed = Annotated[bool | None, typer.Option("--fastsync/--no-fastsync", help="high-speed copy mode")]


def _pairs(texts: list[str], what: str) -> dict[str, str]:
    """Take NAME=VALUE options apart."""
    pairs = [text.partition("=") for text in texts]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise typer.BadParameter(f"{name}: {what} expected")
    return {name: value for name, _, value in pairs}


@app.command("register")
def register(
    mirror_set: SetName,
    disk: Annotated[list[str], typer.Option(help="SERVER=PATH, once for each server")],
    partition: Annotated[list[str], typer.Option(help="NUMBER=LETTER, once for each data partition")],
    max_io_kib: Kib = None,
    max_io_count: Count = None,
    fastsync: HighSpeed = None,
    as_json: Json = False,
) -> None:
    """Register a mirror set on both servers; the cluster must be stopped, the disks prepared and without a record."""
    request(
        "mirror.register",
        mirror_render.next_step(f"Mirror set {mirror_set} is registered."),
        as_json,
        set=mirror_set,
        disks=_pairs(disk, "SERVER=PATH"),
        partitions=_pairs(partition, "NUMBER=LETTER"),
        max_io_kib=max_io_kib,
        max_io_count=max_io_count,
        fastsync=fastsync,
    )


@app.command("cancel")
def cancel(mirror_set: SetName, as_json: Json = False) -> None:
    """Cancel a mirror set that no group uses: both disks forget it, their data stays. The cluster must be stopped."""
    request(
        "mirror.cancel",
        mirror_render.next_step(f"Mirror set {mirror_set} is cancelled."),
        as_json,
        set=mirror_set,
    )


@app.command("create")
def create(
    mirror_set: SetName,
    source: Annotated[str | None, typer.Option(help="the server whose data is kept")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="return when both sides are equal")] = False,
    as_json: Json = False,
) -> None:
    """Create the mirror of a set: everything on the other side is overwritten by the source's data."""

    def work(client: Client) -> None:
        result = client.call("mirror.create", set=mirror_set, source=source)
        if wait:
            result = progress.follow(client, mirror_set, quiet=as_json)
        show(result, render.mirror_created(mirror_set, finished=wait), as_json)

    guarded(work, as_json)


@app.command("forced-return")
def forced_return(
    mirror_set: SetName, server: OnServer = None, yes: Yes = False, as_json: Json = False
) -> None:
    """Make one side the latest by your word, also without the other server, or after a disk error there."""
    sentence = f"This side of {mirror_set} counts as the latest; the other one will be overwritten."
    request(
        "mirror.forced_return", render.done(sentence), as_json, set=mirror_set, server=server, confirm=yes
    )


@app.command("permit")
def permit(mirror_set: SetName, server: OnServer = None, as_json: Json = False) -> None:
    """Give access to the latest data of a set without its group, on a server that does not operate (X, Od)."""
    request("mirror.permit", mirror_render.permitted, as_json, set=mirror_set, server=server)


@app.command("forced-permit")
def forced_permit(
    mirror_set: SetName, server: OnServer = None, yes: Yes = False, as_json: Json = False
) -> None:
    """Give access to data that may be outdated; the copies differ afterwards and one of them has to be given up."""
    request(
        "mirror.forced_permit", mirror_render.permitted, as_json, set=mirror_set, server=server, confirm=yes
    )


@app.command("restrict")
def restrict(mirror_set: SetName, server: OnServer = None, as_json: Json = False) -> None:
    """Withdraw the access that permit or forced-permit gave."""
    sentence = f"Only groups give access to {mirror_set} again."
    request("mirror.restrict", render.done(sentence), as_json, set=mirror_set, server=server)


@app.command("read")
def read(
    mirror_set: SetName,
    end: Annotated[bool, typer.Option("--end", help="detach the devices again")] = False,
    as_json: Json = False,
) -> None:
    """Attach the copy of this isolated or stopped server as read-only devices, for a snapshot or a backup."""
    if end:
        request("mirror.read_end", render.done("It is read no longer."), as_json, set=mirror_set)
    else:
        request("mirror.read", mirror_render.devices, as_json, set=mirror_set)


@app.command("status")
def status(mirror_set: OptionalSet = None, as_json: Json = False) -> None:
    """Show mirror sets, with the progress of a rebuild."""
    request("mirror.status", render.mirror_status, as_json, set=mirror_set)


@app.command("resolve")
def resolve(
    mirror_set: SetName,
    keep: Annotated[str, typer.Option(help="the server whose data is kept")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what follows from it")] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="keep no file of what the other side loses")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="return when both sides are equal")] = False,
    as_json: Json = False,
) -> None:
    """End a divergence: keep one side, save what the other one loses in a file there, copy what differs."""

    def work(client: Client) -> None:
        result = client.call(
            "mirror.resolve", set=mirror_set, keep=keep, dry_run=dry_run or None, discard=discard or None
        )
        if wait and not dry_run:
            progress.follow(client, mirror_set, quiet=as_json)
        show(result, resolve_render.plan if dry_run else resolve_render.resolved, as_json)

    guarded(work, as_json)


@app.command("verify")
def verify(
    mirror_set: SetName,
    wait: Annotated[
        bool, typer.Option("--wait", help="return when it has ended; exit status 1 when differences are left")
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="copy what differs from the side that writes; at once what is known already"
        ),
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="end the comparison that runs")] = False,
    as_json: Json = False,
) -> None:
    """Compare both sides while the set is in use; nothing is repaired without --repair."""
    if stop and (wait or repair):
        raise typer.BadParameter("--stop stands alone")

    def work(client: Client) -> None:
        result = client.call("mirror.verify", set=mirror_set, repair=repair or None, stop=stop or None)
        if not wait:
            show(result, verify_render.asked(mirror_set, stopped=stop), as_json)
            return
        status = verify_render.follow(client, mirror_set, quiet=as_json)
        show(status, verify_render.ended, as_json)
        job = status["verify"]
        if job["state"] != "ended" or (job["found_bytes"] and not job["repaired"]):
            raise typer.Exit(1)

    guarded(work, as_json)


@app.command("stats")
def stats(mirror_set: SetName, as_json: Json = False) -> None:
    """Show what the mirror processes of both servers have counted since they were started."""
    guarded(
        lambda client: show(_of_both(client, "mirror.stats", mirror_set), mirror_render.stats, as_json),
        as_json,
    )


@app.command("latency")
def latency(
    mirror_set: SetName,
    on: Annotated[bool | None, typer.Option("--on/--off", help="begin anew, or stop sampling")] = None,
    every: Annotated[
        int, typer.Option(min=1, max=LATENCY_EVERY_MAX, help="with --on: sample every Nth operation")
    ] = LATENCY_EVERY,
    as_json: Json = False,
) -> None:
    """Show where the time of sampled operations went on both servers, stage by stage; off until --on."""

    def work(client: Client) -> None:
        if on is None:
            show(_of_both(client, "mirror.stats", mirror_set), latency_render.latency, as_json)
            return
        asked = _of_both(client, "mirror.latency", mirror_set, every=every if on else 0)
        show(asked, latency_render.turned, as_json)

    guarded(work, as_json)


def _of_both(client: Client, verb: str, mirror_set: str, **arguments: Any) -> dict[str, dict[str, Any]]:
    """Ask for both sides; what one that cannot be asked says is why not."""
    servers = client.call("cluster.status")["servers"]
    return {name: _of_one(client, verb, set=mirror_set, server=name, **arguments) for name in servers}


def _of_one(client: Client, verb: str, **arguments: Any) -> dict[str, Any]:
    try:
        return dict(client.call(verb, **arguments))
    except Refusal as refusal:
        if refusal.code == "E_NOTFOUND":
            raise
        return {"unavailable": refusal.message}


@app.command("options")
def options(
    mirror_set: SetName,
    max_io_kib: Kib = None,
    max_io_count: Count = None,
    fastsync: HighSpeed = None,
    reset: Annotated[bool, typer.Option("--reset", help="back to the defaults")] = False,
    as_json: Json = False,
) -> None:
    """Show maximum I/O size and number with the memory they imply, or change them while the cluster is stopped."""
    request(
        "mirror.options",
        mirror_render.options,
        as_json,
        set=mirror_set,
        max_io_kib=max_io_kib,
        max_io_count=max_io_count,
        fastsync=fastsync,
        reset=reset or None,
    )


@app.command("functions")
def functions(mirror_set: OptionalSet = None, server: OnServer = None, as_json: Json = False) -> None:
    """Show which functions are allowed now, and what forbids the others."""
    request("mirror.functions", mirror_render.functions, as_json, set=mirror_set, server=server)
