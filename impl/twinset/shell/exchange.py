"""One exchange about the configuration with the other server: what is asked, what is answered, what a text must be."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twinset import config as configuration
from twinset.config import changes as change_rules
from twinset.config import lineage
from twinset.errors import ConfigError, ProtocolError, Refusal
from twinset.wire.heartbeat import config_digest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from twinset.config.changes import Change
    from twinset.config.cluster import ClusterConfig
    from twinset.config.lineage import Claim
    from twinset.shell.control_channel import Channel

ANSWER_S: Final = 150.0  # the other server looks at its disks, and waits for what passes by itself
CONFIG_BYTES_MAX: Final = 512 * 1024
CLAUSE: Final = "7.1.1-07"


@dataclass
class Deal:
    """The other server during one change."""

    peer: str
    channel: Channel | None = None
    answers: AsyncIterator[dict[str, Any]] | None = None
    claim: Claim = field(default_factory=lineage.Claim)

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer; Refusal when the other server refuses, ProtocolError or OSError when it is gone."""
        if self.channel is None or self.answers is None:
            raise ProtocolError("closed")
        self.channel.send(request)
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await anext(self.answers)
        except StopAsyncIteration:
            raise ProtocolError("closed") from None
        except TimeoutError:
            raise ProtocolError("no answer in time") from None
        error = answer.get("error")
        if answer.get("t") == "refused" and isinstance(error, dict):
            raise Refusal(
                str(error.get("code", "E_STATE")),
                f"{self.peer} refuses: {error.get('message')}",
                str(error.get("clause", "")),
                str(error.get("help", "")),
            )
        if answer.get("t") not in ("done", "claim", "text"):
            raise ProtocolError(f"unexpected answer {answer.get('t')!r}")
        return answer


def loaded(text: str) -> ClusterConfig:
    """Return the configuration; Refusal with every finding when it breaks rules."""
    if len(text.encode()) > CONFIG_BYTES_MAX:
        raise Refusal("E_LIMIT", f"a configuration of more than {CONFIG_BYTES_MAX} bytes")
    try:
        return configuration.loads(text)
    except ConfigError as error:
        raise Refusal("E_CONFIG", str(error), help="twinset check FILE") from None


def without_passwords(text: str, config: ClusterConfig) -> str:
    """Return the text as it may be kept and sent.

    One with a password in it, or without the hash that the configuration has, is written anew: without its comments.
    """
    plain = config.cluster.password or any(account.password for account in config.accounts)
    return configuration.dump(config) if plain or config.cluster.password_hash not in text else text


def validated(text: str, me: str) -> ClusterConfig:
    """Return the configuration; Refusal with every finding when it breaks rules or is not for this server."""
    config = loaded(text)
    config.server(me)  # refuses a name that is not in it
    for mirror_set in config.mirror_sets:
        path = mirror_set.disk_path(me)
        if not Path(path).exists():
            raise Refusal("E_DISK", f"mirror set {mirror_set.name}: {path} does not exist on {me}", CLAUSE)
    return config


def needs(changes: list[Change]) -> dict[str, Any]:
    """Return the arguments of the core's verbs change.judge and change.ready."""
    first = change_rules.needs_cluster_stopped(changes)
    clauses = {each.group: each.clause for each in changes if each.needs == change_rules.GROUP}
    return {
        "cluster": None if first is None else [first.path, first.clause],
        "groups": [[name, clauses[name]] for name in change_rules.touched_groups(changes)],
    }


def refused(refusal: Refusal) -> dict[str, Any]:
    """Return the answer that refuses."""
    return {"t": "refused", "error": refusal.as_json()}


def claim_of(text: str, *, changing: bool = False) -> Claim:
    """Return what a text says of itself."""
    return lineage.claim(text, config_digest(text.encode()), changing=changing)


def read(path: Path) -> str:
    """Return the text of a file; "" when there is none that can be read."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_bytes().decode()
    return ""
