"""`twinset join`: two servers come to share the cluster key, and an operator compares what both show."""

from __future__ import annotations

import hmac
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from twinset.errors import Refusal
from twinset.operator import local, render
from twinset.operator.talk import Json, request
from twinset.shell import joining, store
from twinset.shell.paths import Paths, server_name

if TYPE_CHECKING:
    from collections.abc import Callable

key_app = typer.Typer(no_args_is_help=True, help="The cluster key.")


def join(
    address: Annotated[
        str | None, typer.Argument(metavar="[ADDRESS]", help="of the server that offers itself")
    ] = None,
    offer: Annotated[bool, typer.Option("--offer", help="this server is the new one, and waits")] = False,
) -> None:
    """Join two servers: on the new one `twinset join --offer`, on the other one `twinset join ADDRESS`."""
    local.guarded(lambda: _join(address, offer=offer), as_json=False)


def _join(address: str | None, *, offer: bool) -> int:
    if offer == (address is not None):
        raise Refusal("E_RANGE", "join: either --offer, or the address of the server that offers itself")
    paths = Paths.from_environment()
    me = server_name(paths)
    if address is None:
        peer = joining.offer(paths, me, _waits(me), _compare)
    else:
        peer = joining.invite(paths, me, address, _compare)
    typer.echo(f"{me} and {peer} share the cluster key. Next: twinset cluster create FILE, on either.")
    return 0


def _waits(me: str) -> Callable[[], None]:
    def say() -> None:
        typer.echo(f"{me} waits on port {joining.PORT}. On the other server: twinset join ADDRESS-OF-{me}")
        sys.stdout.flush()

    return say


def _compare(peer: str, fingerprint: str) -> bool:
    typer.echo(f"{peer} is there. Fingerprint:  {fingerprint}")
    sys.stdout.flush()
    return typer.confirm(f"Does {peer} show the same?", default=False)


@key_app.command("fingerprint")
def fingerprint() -> None:
    """Show a fingerprint of this server's cluster key: equal on both servers when the key is."""
    local.guarded(_fingerprint, as_json=False)


@key_app.command("rotate")
def rotate(as_json: Json = False) -> None:
    """Give both servers a new cluster key, while the cluster runs."""
    request("key.rotate", render.done("Both servers use a new cluster key."), as_json)


def _fingerprint() -> int:
    try:
        key = store.read_keys(Paths.from_environment().key).current
    except ValueError as error:
        raise Refusal("E_STATE", str(error), help="twinset join") from None
    digits = hmac.digest(key, b"twinset key fingerprint", "sha256").hex()
    typer.echo("-".join(digits[4 * group : 4 * group + 4] for group in range(5)))
    return 0
