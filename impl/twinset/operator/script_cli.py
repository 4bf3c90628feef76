"""`twinset group script`: scripts of a group made from the guide's samples. No daemon; both servers need them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from twinset.errors import Refusal
from twinset.operator import local, script_templates

app = typer.Typer(no_args_is_help=True, help="Start and stop scripts of groups.")

DIRECTORY: Final = "/etc/twinset/scripts"
Json = Annotated[bool, typer.Option("--json", help="print JSON for programs")]


@app.command("templates")
def templates(as_json: Json = False) -> None:
    """Show the samples that scripts can be made from, with the words to fill in."""

    def work() -> int:
        found = script_templates.TEMPLATES.values()
        if as_json:
            local.print_json(
                [
                    {
                        "name": each.name,
                        "what": each.what,
                        "words": {word.name: word.default for word in each.words},
                    }
                    for each in found
                ]
            )
            return 0
        for each in found:
            sys.stdout.write(f"{each.name}: {each.what}\n")
            for word in each.words:
                default = "required" if word.default is None else f"default {word.default}"
                sys.stdout.write(f"    {word.name:<9}{word.what} ({default})\n")
        return 0

    local.guarded(work, as_json=as_json)


@app.command("new")
def new(
    group: Annotated[str, typer.Argument(metavar="GROUP")],
    template: Annotated[str, typer.Option("--template", metavar="NAME", help="see `templates`")] = "plain",
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="WORD=VALUE", help="fill a word of the template in")
    ] = None,
    directory: Annotated[Path, typer.Option(metavar="DIR", help="where; the same on both servers")] = Path(
        DIRECTORY
    ),
    as_json: Json = False,
) -> None:
    """Write scripts of a group from a sample; files that are there are left alone, and refused."""

    def work() -> int:
        if not directory.is_absolute():
            raise Refusal("E_RANGE", f"{directory} is no absolute path", script_templates.CLAUSE)
        scripts = script_templates.render(template, group, str(directory), _words(values or []))
        paths = write(directory, scripts)
        if as_json:
            local.print_json({"files": [str(path) for path in paths]})
            return 0
        sys.stdout.write("".join(f"{path}\n" for path in paths))
        sys.stdout.write(
            f"\n[[group.script]]            # of group {group}; the same files on both servers\n"
        )
        sys.stdout.write("".join(f'{part} = "{directory}/{group}-{part}"\n' for part in ("start", "stop")))
        return 0

    local.guarded(work, as_json=as_json)


def write(directory: Path, scripts: dict[str, str]) -> list[Path]:
    """Write executable files, all or none."""
    paths = [directory / name for name in scripts]
    for path in paths:
        if path.exists():
            raise Refusal("E_DUP", f"{path} is there already", script_templates.CLAUSE, "another --directory")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, scripts.values(), strict=True):
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)
    except OSError as error:
        raise Refusal("E_STATE", f"{error.filename}: {error.strerror}") from None
    return paths


def _words(values: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in values:
        name, separator, text = each.partition("=")
        if not separator:
            raise Refusal("E_SYNTAX", f"{each} is no WORD=VALUE", script_templates.CLAUSE)
        found[name.upper()] = text
    return found
