"""Who may change something: with a cluster password, who knows it, and what twinsetd itself started (decision 0018).

Two secrets travel in the arguments of a request and leave them here, before anything can repeat them: `password`, and
`token`. The token is of this boot; twinsetd gives it to what it starts (scripts of groups and what they start, hooks)
in the environment: the configuration names them, and it was given under the password.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from twinset.config import password
from twinset.errors import Refusal
from twinset.guide.limits import CLUSTER_PASSWORD_BYTES_MAX
from twinset.shell import clock, store
from twinset.shell.paths import PASSWORD_VARIABLE, TOKEN_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLAUSE: Final = CLUSTER_PASSWORD_BYTES_MAX.clause
HELP: Final = f"twinset --password-file FILE ..., {PASSWORD_VARIABLE} in the environment, or a terminal"
PAUSE_S_MAX: Final = 60
TOKEN_BYTES: Final = 32

# Verbs that only look. Every other one, and every one to come, asks for the password.
READING: Final = frozenset(
    {
        "ping", "events", "cluster.status", "cluster.configuration", "group.list", "server.facts",
        "mirror.status", "mirror.stats", "mirror.functions", "program.list", "program.wait", "registry.status",
        "lan.probe", "support.collect", "support.timeline",
    }
)  # fmt: skip


def changes(verb: str, args: dict[str, Any]) -> bool:
    """True unless the request only looks: by its verb, as a dry run, or as `mirror options` without any."""
    if verb == "mirror.options":
        return bool(args.keys() - {"set"})
    return verb not in READING and args.get("dry_run") is not True


@dataclass(frozen=True)
class Shown:
    """What a request shows of itself."""

    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def taken(args: dict[str, Any]) -> tuple[dict[str, Any], Shown]:
    """Return the arguments without the secrets, and the secrets; Refusal, which does not repeat them."""
    found = {name: args.get(name) or "" for name in ("password", "token")}
    if not all(isinstance(each, str) for each in found.values()):
        raise Refusal("E_RANGE", "password and token are texts", CLAUSE)
    return {name: value for name, value in args.items() if name not in found}, Shown(**found)


def boot_token(path: Path) -> str:
    """Return the token of this boot, minted when the file is missing (the directory dies with the boot)."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if len(text) != 2 * TOKEN_BYTES:
        text = secrets.token_hex(TOKEN_BYTES)
        store.write_atomic(path, text)
    return text


def pause_s(wrong: int) -> int:
    """Return how long nothing is compared after so many wrong passwords in a row."""
    return min(PAUSE_S_MAX, 1 << (wrong - 1)) if wrong else 0


class Guard:
    """Compares, one at a time, and ever more seldom while it is wrong."""

    def __init__(self, token: str, kept: Callable[[], str], tell: Callable[[str, int], None]) -> None:
        """`kept` returns the hash in use, "" without a password; `tell` hears of each wrong one: verb, how many."""
        self._token = token
        self._kept = kept
        self._tell = tell
        self._hand = asyncio.Lock()
        self._wrong = 0
        self._not_before_ms = 0

    @property
    def environment(self) -> dict[str, str]:
        """What twinsetd adds to its own environment, for what it starts."""
        return {TOKEN_VARIABLE: self._token}

    async def admit(self, verb: str, args: dict[str, Any], shown: Shown) -> None:
        """Return when the request may be carried out; Refusal says why not, and what to do."""
        if not changes(verb, args) or hmac.compare_digest(_bytes(shown.token), _bytes(self._token)):
            return
        kept = self._kept()
        if not kept:
            return
        if not shown.password:
            raise Refusal("E_DENIED", f"{verb} needs the cluster password", CLAUSE, HELP)
        async with self._hand:
            await self._compare(verb, shown.password, kept)

    async def _compare(self, verb: str, given: str, kept: str) -> None:
        left_ms = self._not_before_ms - clock.now_ms()
        if left_ms > 0:
            text = f"{verb}: after {self._wrong} wrong passwords none is looked at for another {left_ms / 1000:.0f} s"
            raise Refusal("E_DENIED", text, CLAUSE, "wait, then try once more")
        if await asyncio.to_thread(password.matches, given, kept):
            self._wrong = 0
            return
        self._wrong += 1
        self._not_before_ms = clock.now_ms() + 1000 * pause_s(self._wrong)
        self._tell(verb, self._wrong)
        raise Refusal("E_DENIED", f"{verb}: the cluster password is wrong", CLAUSE, HELP)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
