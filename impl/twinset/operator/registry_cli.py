r"""`twinset registry`: the plain store of registry keys on this server, for scripts and people. No daemon (6.2.7).

twinset registry set 'HKLM\SOFTWARE\Acme' Port 5432 --type dword
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from twinset.errors import Refusal
from twinset.operator import local
from twinset.registry import values
from twinset.registry.tree import checked_key
from twinset.shell.paths import Paths
from twinset.shell.registry_store import RegistryStore
from twinset.shell.run import run_in_foreground

app = typer.Typer(no_args_is_help=True, help="Registry keys of this server that can follow a group.")

Json = Annotated[bool, typer.Option("--json", help="print JSON for programs")]
Key = Annotated[str, typer.Argument(metavar="KEY", help=r"such as HKLM\SOFTWARE\Acme")]
Name = Annotated[str, typer.Argument(metavar="[NAME]", help="of a value; default: the key's default value")]


def _store() -> RegistryStore:
    return RegistryStore(Paths.from_environment().registry)


@app.command("get")
def get_value(key: Key, name: Name = "", as_json: Json = False) -> None:
    """Print a value."""

    def work() -> int:
        value = _store().read().value(key, name)
        _show(as_json, {"type": value[0], "data": value[1]}, values.shown(value))
        return 0

    local.guarded(work, as_json=as_json)


@app.command("set")
def set_value(
    key: Key,
    name: Annotated[str, typer.Argument(metavar="NAME", help='"" is the default value of the key')],
    data: Annotated[list[str], typer.Argument(metavar="DATA...", help="several words with multi_sz")],
    kind: Annotated[str, typer.Option("--type", metavar="TYPE", help=", ".join(values.TYPES))] = "sz",
    as_json: Json = False,
) -> None:
    """Set a value; its key comes into being with it."""

    def work() -> int:
        value = values.parse(kind, data)
        _store().change(lambda tree: tree.set(key, name, value))
        return 0

    local.guarded(work, as_json=as_json)


@app.command("delete")
def delete(
    key: Key,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="of a value; default: the key, with all below it")
    ] = None,
    as_json: Json = False,
) -> None:
    """Delete a value, or a key with all below it."""

    def work() -> int:
        if name is not None:
            _store().change(lambda tree: tree.delete_value(key, name))
        elif not _store().change(lambda tree: tree.delete(key)):
            raise Refusal("E_NOTFOUND", f"there is no key {key}", "6.2.7-12")
        return 0

    local.guarded(work, as_json=as_json)


@app.command("list")
def list_key(key: Key, as_json: Json = False) -> None:
    """Print the keys directly below a key, each with a backslash behind it, then its values."""

    def work() -> int:
        tree = _store().read()
        found, keys = tree.values(key), tree.subkeys(key)
        rows = [f"{each}\\" for each in keys]
        rows += [f"{name or '(default)'}\t{value[0]}\t{values.shown(value)}" for name, value in found.items()]
        body = {"keys": keys, "values": {name: list(value) for name, value in found.items()}}
        _show(as_json, body, "\n".join(rows))
        return 0

    local.guarded(work, as_json=as_json)


@app.command("hold", context_settings={"ignore_unknown_options": True})
def hold(
    key: Key,
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...")],
) -> None:
    """Run a command while the key is held open: nothing is restored over it meanwhile (6.2.7-06)."""

    def work() -> int:
        checked_key(key)
        with _store().held(key, f"{command[0]} (process {os.getpid()})"):
            return run_in_foreground(command)

    local.guarded(work, as_json=False)


def _show(as_json: bool, body: Any, text: str) -> None:
    if as_json:
        local.print_json(body)
    elif text:
        sys.stdout.write(f"{text}\n")
