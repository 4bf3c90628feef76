"""Which of two configurations is the newer one: generations, and from which texts a text was made.

The text of an active configuration begins with one line of its own:

    # twinset: generation 3, made from 4c1f0d1f9a0b7c2e 09ab...

The generation counts the changes; the ancestors are the digests (wire.heartbeat.config_digest) of the texts before
it, newest first. The line is part of the text, so text, generation and digest change in one rename, and the
digest in every heartbeat speaks for all three. A text without the line is generation 0 without ancestors.

Rule: a server takes another text over only when its own is an ancestor of it. Two texts of which neither is an
ancestor of the other have diverged: nobody merges or chooses but an operator, whose next change descends from both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

ANCESTORS_MAX: Final = 64  # a server that missed more changes than this shows as diverged
SAME, OLDER, NEWER, DIVERGED, NONE = "same", "older", "newer", "diverged", "none"
_HEAD: Final = re.compile(r"\A# twinset: generation (\d{1,12})(?:, made from((?: [0-9a-f]{16})+))?\n")
_DIGEST: Final = re.compile(r"[0-9a-f]{16}\Z")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a server says of its active configuration; without one the digest is ""."""

    digest: str = ""
    generation: int = 0
    ancestors: tuple[str, ...] = ()
    changing: bool = False  # it is in the middle of a change: ask again

    def to_json(self) -> dict[str, Any]:
        """The claim as it travels."""
        return {
            "digest": self.digest,
            "generation": self.generation,
            "ancestors": list(self.ancestors),
            "changing": self.changing,
        }


def claim_from_json(body: Any) -> Claim:
    """Return the claim of the other server; ValueError when it is malformed."""
    match body:
        case {"digest": str(digest), "generation": int(generation), "ancestors": [*ancestors]}:
            well_formed = all(isinstance(each, str) and _DIGEST.match(each) for each in ancestors)
            if well_formed and len(ancestors) <= ANCESTORS_MAX and (not digest or _DIGEST.match(digest)):
                return Claim(digest, generation, tuple(map(str, ancestors)), body.get("changing") is True)
    raise ValueError(f"{body!r:.200} is no claim")


def claim(text: str, digest: str, *, changing: bool = False) -> Claim:
    """Return what the text says of itself."""
    found = _HEAD.match(text)
    if found is None:
        return Claim(digest, 0, (), changing)
    ancestors = tuple((found.group(2) or "").split())[:ANCESTORS_MAX]
    return Claim(digest, int(found.group(1)), ancestors, changing)


def body(text: str) -> str:
    """Return the text without its first line of this module."""
    return _HEAD.sub("", text, count=1)


def stamped(text: str, *before: Claim) -> str:
    """Return the text as the next generation of every claim given: the own one, and the other server's."""
    known = [each for each in before if each.digest]
    ancestors: dict[str, None] = dict.fromkeys(each.digest for each in known)
    for each in known:
        ancestors.update(dict.fromkeys(each.ancestors))
    names = list(ancestors)[:ANCESTORS_MAX]
    generation = max((each.generation for each in known), default=0) + 1
    made_from = f", made from {' '.join(names)}" if names else ""
    return f"# twinset: generation {generation}{made_from}\n{body(text)}"


def relation(mine: Claim, theirs: Claim) -> str:
    """Return what my configuration is to theirs: same, older, newer, diverged; none when they have none."""
    if not theirs.digest:
        return NONE
    if mine.digest == theirs.digest:
        return SAME
    if not mine.digest or mine.digest in theirs.ancestors:
        return OLDER
    if theirs.digest in mine.ancestors:
        return NEWER
    return DIVERGED
