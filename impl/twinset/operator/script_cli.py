"""`twinset script`: scripts that need no writing. No daemon."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from twinset.errors import Refusal
from twinset.operator import local
from twinset.resources.script import ready_made

app = typer.Typer(no_args_is_help=True, help="Scripts of groups: ready-made ones.")

MODE = 0o755


@app.command("create")
def create(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"{', '.join(ready_made.STANDARD)}")],
    share: Annotated[str, typer.Option(metavar="NAME", help="what clients call it")],
    path: Annotated[str, typer.Option(metavar="DIR", help="the folder, on a mirror disk of the group")],
    address: Annotated[str, typer.Option(metavar="ADDRESS", help="a floating IP address of the group")],
    into: Annotated[Path, typer.Option(metavar="DIR", help="where the two scripts go: start and stop")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for programs")] = False,
) -> None:
    """Write a start and a stop script, to be copied to the other server as they are."""

    def work() -> int:
        made = ready_made.made(kind, share, path, address)
        files = {part: into / part for part in made._fields}
        there = [str(file) for file in files.values() if file.exists()]
        if there:
            raise Refusal(
                "E_DUP", f"{', '.join(there)} exists already", ready_made.CLAUSE, "--into elsewhere"
            )
        into.mkdir(parents=True, exist_ok=True)
        for part, file in files.items():
            file.write_text(getattr(made, part), encoding="utf-8")
            file.chmod(MODE)
        if as_json:
            local.print_json({part: str(file) for part, file in files.items()})
        else:
            typer.echo(f"written: {', '.join(map(str, files.values()))}")
        return 0

    local.guarded(work, as_json=as_json)
