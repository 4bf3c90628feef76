"""One key of one group as a server keeps it for the failover: the content, its version, and where it came from. Pure.

The server that runs the group watches the key. A change makes a new version, which is durable here before it is
sent, and durable on the other server before that one confirms it (6.2.7-03, -04). A server that starts the group
puts the last version that it holds into its own store first, unless it was the last to run the group (6.2.7-05):
what an administrator changed on that server while the group was stopped is a change like any other.

A version that could not be restored, because the key was open (6.2.7-06), is not given up: the key is not
watched meanwhile, so that the old content, which is still in the store, is never sent back over the newer one.

Whose word counts: the running server's, whatever number it has. Two servers that ran the group one after the other
without hearing each other both counted on; then the one that runs it now is right, as with the mirror's data.
When nobody runs it, the higher version is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    Content = dict[str, Any] | str | None

CONTENT_BYTES_MAX: Final = 256 * 1024  # of its JSON; a frame of the control connection holds 1 MiB
VERSION_MAX: Final = 2**53
DIGEST_CHARACTERS: Final = 64
HERE, PEER = "here", "peer"
HIVE, ANSWER = "registry_hive", "registry_answer"  # kinds of messages between the daemons


@dataclass(frozen=True, slots=True)
class Hive:
    """The last version of an exported key. A key that was deleted has the content None."""

    group: str
    key: str
    store: str
    version: int
    digest: str
    content: Content
    origin: str = HERE  # here: of the store of this server; peer: received, and not restored yet
    confirmed: bool = False  # the other server holds it durably

    @property
    def restores(self) -> bool:
        """True when a start of the group has to put it into the store first."""
        return self.origin == PEER

    def as_json(self) -> dict[str, Any]:
        """Return what the file keeps."""
        return asdict(self)

    def offer(self, *, running: bool) -> dict[str, Any]:
        """Return the message that gives it to the other server."""
        told = ("group", "key", "store", "version", "digest", "content")
        return {"kind": HIVE, "running": running, **{name: getattr(self, name) for name in told}}

    def answer(self, reason: str = "") -> dict[str, Any]:
        """Return the message that confirms it, or says why it was not taken."""
        told = ("group", "key", "store", "version", "digest")
        return {
            "kind": ANSWER,
            "ok": not reason,
            "reason": reason,
            **{name: getattr(self, name) for name in told},
        }


def digest(content: Content) -> str:
    """Return the fingerprint of a content; Refusal when it is too large to follow its group."""
    data = json.dumps(content, sort_keys=True).encode()
    if len(data) > CONTENT_BYTES_MAX:
        text = f"the key exports as {len(data)} bytes, at most {CONTENT_BYTES_MAX} follow a group"
        raise Refusal("E_LIMIT", text, "6.2.7-07", "name a smaller key in the configuration")
    return hashlib.sha256(data).hexdigest()


def next_version(known: Hive | None, group: str, key: str, store: str, content: Content) -> Hive | None:
    """Return the version that a look at the store makes, None when nothing has changed.

    A key that does not exist and never did is no version: it must not delete what the other server may have.
    """
    if known is None and content is None:
        return None
    fingerprint = digest(content)
    if known is not None and known.digest == fingerprint:
        return None
    version = 1 if known is None else known.version + 1
    return Hive(group, key, store, version, fingerprint, content)


def judge(known: Hive | None, offered: Hive, *, runs_here: bool, running_there: bool) -> str:
    """Return why an offered version is not taken; "" when it is."""
    if runs_here:
        return "the group runs here, and its own version counts"
    if running_there or known is None or offered.version > known.version or offered.digest == known.digest:
        return ""
    return f"version {known.version} is here already, which is not older than {offered.version}"


def taken(offered: Hive) -> Hive:
    """Return what is kept of an offered version."""
    return replace(offered, origin=PEER, confirmed=True)


def restored(kept: Hive) -> Hive:
    """Return what is kept of a version once it is in the store of this server."""
    return replace(kept, origin=HERE)


def from_json(body: Mapping[str, Any]) -> Hive:
    """Return a hive from a file or the other server; Refusal when it is none, or damaged."""
    texts = {name: body.get(name) for name in ("group", "key", "store", "digest")}
    version, content = body.get("version"), body.get("content")
    whole = isinstance(version, int) and not isinstance(version, bool) and 1 <= version <= VERSION_MAX
    if not whole or not all(isinstance(text, str) for text in texts.values()):
        raise Refusal(
            "E_RANGE", "no version of a registry key: a field is missing or of another type", "6.2.7-04"
        )
    if not isinstance(content, (dict, str, type(None))):
        raise Refusal("E_RANGE", f"the content of a registry key is no {type(content).__name__}", "6.2.7-04")
    if digest(content) != texts["digest"]:
        raise Refusal(
            "E_RANGE", f"version {version} of {texts['key']!r:.100} does not have its checksum", "6.2.7-04"
        )
    return Hive(
        str(texts["group"]), str(texts["key"]), str(texts["store"]), int(version or 0), str(texts["digest"]), content,
        PEER if body.get("origin") == PEER else HERE, confirmed=body.get("confirmed") is True,
    )  # fmt: skip
