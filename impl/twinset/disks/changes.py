"""What `twinset disk prepare` and `twinset disk clear` would destroy, by name, and what forbids them.

Nothing on a disk goes that the operator has not named. `things` gives the names; a disk in use, or of the wrong
kind, is not written to whatever is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from twinset.errors import Refusal
from twinset.finding import errors

from . import judge
from .facts import WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .inspection import Inspection

CLAUSE: Final = "8.6-02"
TABLE: Final = "table"
RECORD: Final = "record"


class Thing(NamedTuple):
    """Something of use on a disk: the name that discards it, and what it is."""

    name: str
    what: str


def things(found: Inspection) -> tuple[Thing, ...]:
    """Return everything on a disk that somebody may still need, by names that `--discard` takes."""
    named = [
        Thing(f"disk:{_word(mark)}", f"{mark} on the whole disk") for mark in found.contents.get(WHOLE, ())
    ]
    if found.partitions:
        count = len(found.partitions)
        word = "partition" if count == 1 else "partitions"
        named.append(Thing(TABLE, f"a partition table with {count} {word}"))
    for number, marks in found.contents.items():
        named += [
            Thing(f"{number}:{_word(mark)}", f"{mark} in partition {number}")
            for mark in marks
            if number != WHOLE
        ]
    record = found.record
    if record is not None and record.alien and not found.contents.get(1):
        named.append(Thing("1:data", "bytes of an unknown kind in partition 1"))
    elif record is not None and not record.blank and not found.contents.get(1):
        owner = f" of server {record.record.server_name}" if record.record is not None else ", damaged"
        named.append(Thing(RECORD, f"the record of a mirror set{owner}"))
    if not named and not found.blank:
        named.append(Thing("disk:data", "bytes that are not zero in the first MiB of the disk"))
    return tuple(named)


def refuse_unfit(found: Inspection, what: str) -> None:
    """Refuse to write to a disk that is in use or can never be a mirror disk, whatever was named."""
    for finding in errors(judge.by_facts(found.facts)):
        reason = finding.message.removesuffix(f" [{finding.clause}]")
        raise Refusal(finding.code, f"{what} {found.facts.path}: {reason}", finding.clause, finding.help)


def refuse_useful(found: Inspection, discard: Sequence[str], lost: Sequence[Thing]) -> None:
    """Refuse unless everything that would be lost was named, and nothing that is not there."""
    there = things(found)
    unknown = sorted(set(discard) - {thing.name for thing in there})
    if unknown:
        known = ", ".join(thing.name for thing in there) or "nothing"
        raise Refusal(
            "E_NOTFOUND",
            f"--discard {','.join(unknown)}: there is no such thing on {found.facts.path}, only {known}",
            CLAUSE,
            f"twinset disk inspect {found.facts.path}",
        )
    if not {thing.name for thing in lost} <= set(discard):
        kept = [thing.what for thing in lost if thing.name not in discard]
        raise Refusal(
            "E_STATE",
            f"{found.facts.path} holds {'; '.join(kept)}",
            CLAUSE,
            f"if all of that may go: --discard {','.join(thing.name for thing in lost)}",
        )


def refuse_prepare(found: Inspection, discard: Sequence[str]) -> None:
    """Refuse a new table over anything that was not named."""
    refuse_unfit(found, "prepare")
    refuse_useful(found, discard, things(found))


def refuse_clear(found: Inspection, discard: Sequence[str], *, partitions: bool) -> None:
    """Refuse to clear what is no CLUSTER partition, or what more than a record is in."""
    path = found.facts.path
    refuse_unfit(found, "clear")
    if found.record is None:
        raise Refusal(
            "E_PARTITION",
            f"clear {path}: there is no CLUSTER partition",
            "7.1.2-03",
            f"twinset disk prepare {path} makes one",
        )
    lost = [thing for thing in things(found) if thing.name not in (TABLE, RECORD)]
    if not partitions:
        lost = [thing for thing in lost if thing.name.startswith("1:")]
        if not lost and found.record.blank:
            raise Refusal("E_NOTFOUND", f"clear {path}: the CLUSTER partition holds no record", CLAUSE)
    refuse_useful(found, discard, lost)


def _word(mark: str) -> str:
    """Make a name of a mark: no blanks, nothing that a shell would read."""
    return mark.lower().replace(" ", "-").replace("/", "-")
