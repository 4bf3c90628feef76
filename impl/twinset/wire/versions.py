"""Which versions of a protocol a program speaks, and which one two programs can speak with each other. Pure.

Each protocol counts its versions: a change that an older program would misread takes the next number. Servers are
upgraded one after the other (AUX-01), so a program speaks the version of its predecessor too. In its first words,
which no version may change, a side says the oldest version that it speaks, the newest one, and its release; both then
speak the newest one that both know. A side that says only one version speaks that one. Programs without a common
version are refused, by a reason that names both.

What only adds to a version is a *feature*, and no business of this module: see `cluster/program.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from twinset import __version__
from twinset.errors import VersionsApart

if TYPE_CHECKING:
    from collections.abc import Mapping

RELEASE_CHARACTERS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Versions:
    """What one program speaks of one protocol."""

    oldest: int
    newest: int

    def __str__(self) -> str:
        """As it stands in a reason."""
        return (
            f"version {self.oldest}"
            if self.oldest == self.newest
            else f"versions {self.oldest} to {self.newest}"
        )

    def __contains__(self, version: int) -> bool:
        """Whether the program understands it."""
        return self.oldest <= version <= self.newest

    def said(self, field: str) -> dict[str, Any]:
        """Return what a hello says of it; `field` is where older programs look for their only version."""
        return {field: self.oldest, "newest": self.newest, "release": __version__}

    def agreed(self, protocol: str, theirs: Versions, release: str = "") -> int:
        """Return the newest version that both speak; VersionsApart names both programs."""
        common = min(self.newest, theirs.newest)
        if common < max(self.oldest, theirs.oldest):
            other = f" (twinset {release})" if release else ""
            raise VersionsApart(
                f"the other side{other} speaks {protocol} {theirs}, this one (twinset {__version__}) {self}"
            )
        return common

    def agreed_with(self, protocol: str, field: str, body: Mapping[str, Any]) -> int:
        """Return the version to speak with the sender of a hello; VersionsApart where there is none."""
        said: tuple[Any, Any] = body.get(field), body.get("newest", body.get(field))
        if not all(_is_version(each) for each in said) or said[0] > said[1]:
            raise VersionsApart(
                f"the other side says {protocol} versions {said[0]!r} to {said[1]!r}, this one {self}"
            )
        release = str(body.get("release", ""))[:RELEASE_CHARACTERS_MAX]
        theirs = Versions(int(said[0]), int(said[1]))
        return self.agreed(protocol, theirs, release if release.isprintable() else "")


def _is_version(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
