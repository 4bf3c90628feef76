"""`twinset mirror kept`: what was kept of sides that an operator has given up. Needs no daemon."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinset.errors import TwinsetError
from twinset.operator import local
from twinset.operator.units import at_time, mib
from twinset.shell import kept_files
from twinset.shell.paths import Paths

app = typer.Typer(no_args_is_help=True, help="Blocks of sides that were given up after a divergence.")

Json = Annotated[bool, typer.Option("--json", help="print JSON for programs")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="as `kept list` shows it, or its beginning")]
Letter = Annotated[str | None, typer.Option(help="offsets and image are those of this data partition")]


def _state() -> Path:
    return Paths.from_environment().state


@app.command("list")
def list_kept(as_json: Json = False) -> None:
    """Show the files on this server."""

    def work() -> int:
        found = kept_files.listed(_state())
        if as_json:
            local.print_json(found)
        else:
            _show(found)
        return 0

    local.guarded(work, as_json=as_json)


def _show(found: list[dict[str, Any]]) -> None:
    console = Console()
    if not found:
        console.print("Nothing was kept on this server.")
        return
    table = Table("name", "set", "kept", "written", "size", "", box=None, pad_edge=False, header_style="dim")
    for each in found:
        written = f"{at_time(each.get('alone_since_s'))} to {at_time(each.get('alone_last_s'))}"
        table.add_row(
            each["name"], str(each.get("set", "-")), at_time(each.get("kept_at_s")), written,
            mib(each.get("bytes")), Text(each["damage"], style="bold red"),
        )  # fmt: skip
    console.print(table)


@app.command("read")
def read(
    name: Name,
    letter: Letter = None,
    onto: Annotated[
        Path | None,
        typer.Option(help="write every kept block to its place in this image, a copy of the other side"),
    ] = None,
    extent: Annotated[
        str | None, typer.Option("--range", metavar="OFFSET:LENGTH", help="one range, in bytes")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="where the range goes (default: standard output)")
    ] = None,
) -> None:
    """Read kept blocks back: all of them onto an image, or one range."""
    if (onto is None) == (extent is None) or (output is not None and extent is None):
        raise typer.BadParameter("either --onto IMAGE, or --range OFFSET:LENGTH with or without --output")

    def work() -> int:
        try:
            with kept_files.opened(_state(), name) as file:
                if onto is not None:
                    count = kept_files.write_onto(file, letter, onto)
                    Console().print(Text(f"{count} bytes of {file.path.name} are in {onto}."), soft_wrap=True)
                else:
                    _one_range(file, letter, str(extent), output)
        except OSError as error:
            raise TwinsetError(f"{error.filename or name}: {error.strerror}") from None
        return 0

    local.guarded(work, as_json=False)


def _one_range(file: kept_files.KeptFile, letter: str | None, text: str, output: Path | None) -> None:
    first, _, rest = text.partition(":")
    if not (first.isdigit() and rest.isdigit() and int(rest)):
        raise typer.BadParameter(f"{text}: OFFSET:LENGTH in bytes expected")
    start, length = file.span(letter)
    offset, count = int(first), int(rest)
    if offset + count > length:
        raise TwinsetError(f"{text} ends beyond {length} bytes")
    data = b"".join(block for _, block in file.blocks(start + offset, count))
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        output.write_bytes(data)
