"""What makes a disk unfit for a mirror set, and what is worth a warning: one rule a refusal, each with its clause.

`by_facts` is what nobody can overrule: the disk is the wrong kind, or somebody works with it. The rest is about
what is on it, which `twinset disk prepare` and `twinset disk clear` can change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.finding import Finding, error, warning
from twinset.mirror import disk_layout, registration, signatures

from .facts import HELD, HOT_PLUG, LISTED, LOCKED, MOUNTED, OPEN, SWAP, SYSTEM_PLACES, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from twinset.mirror.disk_layout import LayoutRefused, Partition
    from twinset.mirror.record_report import RecordReport

    from .facts import DiskFacts, Use

MIB: Final = 1 << 20
TAIL_BYTES_ADVISED: Final = 8 * MIB  # 2.1.3-03 gives no number; one cylinder of former days, rounded up
CLUSTER_NUMBER: Final = 1
OTHER_DISK: Final = "use another disk, one that serves mirroring only"
PREPARE: Final = "twinset disk prepare PATH writes a new table, once all that is on the disk may go"


def by_facts(facts: DiskFacts) -> Iterator[Finding]:
    """Judge the kind of disk and who uses it."""
    if facts.partition_of:
        yield error(
            "E_DISK", "disk", f"{facts.path} is a partition of {facts.partition_of}, not a disk",
            clause="4.1.3-01", value=facts.path, help=f"name the whole disk: {facts.partition_of}",
        )  # fmt: skip
    if facts.volume:
        yield error(
            "E_DISK", "disk", f"{facts.volume} cannot be a mirror disk",
            clause="2.2.2.1-12", value=facts.volume, help=OTHER_DISK,
        )  # fmt: skip
    if facts.removable or facts.transport in HOT_PLUG:
        what = "removable" if facts.removable else f"attached by {facts.transport}"
        yield error(
            "E_DISK", "disk", f"{what}: removable disks cannot be mirror disks",
            clause="4.1.2-04", value=what, help=OTHER_DISK,
        )  # fmt: skip
    if facts.read_only:
        yield error(
            "E_DISK", "disk", "is write-protected", clause="4.1.2-01", value="read-only", help=OTHER_DISK
        )
    for use in facts.uses:
        yield by_use(use)


def by_use(use: Use) -> Finding:
    """Judge one use of the disk: the table of who may not be there."""
    path = f"partition {use.partition}" if use.partition else "disk"
    if use.kind == MOUNTED and use.what in SYSTEM_PLACES:
        return error(
            "E_DISK", path, f"holds the system: mounted at {use.what}",
            clause="4.1.2-02", value=use.what, help=OTHER_DISK,
        )  # fmt: skip
    if use.kind == SWAP:
        return error(
            "E_DISK", path, f"holds swap space in use: {use.what}",
            clause="4.1.2-03", value=use.what, help=f"swapoff {use.what}, and its entry in fstab",
        )  # fmt: skip
    if use.kind == LISTED:
        if use.partition == CLUSTER_NUMBER:
            return error(
                "E_PARTITION", path, f"the CLUSTER partition is in fstab, for {use.what}",
                clause="7.1.2-05", value=use.what, help="take the entry out of fstab",
            )  # fmt: skip
        return warning(
            "W_FSTAB", path, f"is in fstab, for {use.what}: the system would mount it behind the mirror's back",
            clause="7.1.1-02", value=use.what, help="take the entry out of fstab",
        )  # fmt: skip
    if use.kind == MOUNTED and use.partition == CLUSTER_NUMBER:
        return error(
            "E_PARTITION", path, f"the CLUSTER partition is mounted at {use.what}",
            clause="7.1.2-05", value=use.what, help=f"umount {use.what}",
        )  # fmt: skip
    text, help_text = _WORDS[use.kind]
    return error(
        "E_DISK", path, text.format(use.what), clause="4.1.2-01", value=use.what,
        help=help_text.format(use.what),
    )  # fmt: skip


_WORDS: Final = {
    MOUNTED: ("is mounted at {}", "umount {}"),
    HELD: ("is part of {}", "take {} apart, or use another disk"),
    OPEN: (
        "is in use by another program",
        "end what uses it: mounts elsewhere, volumes, another twinset-mirrord",
    ),
    LOCKED: ("is in use by {}", "stop the cluster, or take the disk out of its configuration"),
}


def by_layout(
    refusals: Iterable[LayoutRefused], contents: Mapping[int, tuple[str, ...]]
) -> Iterator[Finding]:
    """Turn what is wrong with the table into findings; a whole-disk owner is the better reason."""
    marks = set(contents.get(WHOLE, ()))
    for refusal in refusals:
        if marks and refusal.clause == "2.2.2.1-04":
            continue  # "no table" and "no data partition": told by what is there instead
        help_text = OTHER_DISK if refusal.code == "E_DISK" else PREPARE
        yield error(
            refusal.code, "disk", refusal.message,
            clause=refusal.clause, value=refusal.value, limit=refusal.limit, help=help_text,
        )  # fmt: skip


def by_contents(contents: Mapping[int, tuple[str, ...]]) -> Iterator[Finding]:
    """Judge what marks say about the disk and its partitions."""
    partitioned = len(contents) > 1
    for name in contents.get(WHOLE, ()):
        yield _whole(name, partitioned=partitioned)
    for number, names in contents.items():
        for name in names if number != WHOLE else ():
            if name in signatures.VOLUME_MANAGERS:
                yield error(
                    "E_DISK", f"partition {number}", f"is a member of a volume ({name})",
                    clause="2.2.2.1-12", value=name, help=PREPARE,
                )  # fmt: skip
            elif number == CLUSTER_NUMBER:
                refusal = disk_layout.formatted(name)
                yield error(
                    refusal.code, f"partition {number}", refusal.message, clause=refusal.clause, value=name,
                    help="twinset disk clear PATH, once the file system may go",
                )  # fmt: skip


def _whole(name: str, *, partitioned: bool) -> Finding:
    if name == signatures.GPT and partitioned:
        return warning(
            "W_REMAINS", "disk", "carries remains of a GPT beside its MBR: other systems may prefer the GPT",
            clause="4.1.2-06", value=name, help="twinset disk prepare PATH removes them",
        )  # fmt: skip
    if name in (signatures.GPT, signatures.DYNAMIC):
        clause = "4.1.2-06" if name == signatures.GPT else "4.1.2-05"
        return error(
            "E_DISK",
            "disk",
            f"a {name} disk cannot be a mirror disk",
            clause=clause,
            value=name,
            help=PREPARE,
        )
    if name in signatures.VOLUME_MANAGERS:
        return error(
            "E_DISK", "disk", f"the whole disk is a member of a volume ({name})",
            clause="2.2.2.1-12", value=name, help=PREPARE,
        )  # fmt: skip
    if partitioned:
        return warning(
            "W_REMAINS", "disk", f"carries remains of {name} beside its partition table",
            clause="2.2.2.1-04", value=name, help="twinset disk prepare PATH removes them",
        )  # fmt: skip
    return error(
        "E_PARTITION", "disk", f"the whole disk holds {name}, there is no partition table",
        clause="2.2.2.1-04", value=name, help=PREPARE,
    )  # fmt: skip


def by_record(
    report: RecordReport | None, known_disks: Mapping[str, bytes], path: str, *, formatted: bool = False
) -> Iterator[Finding]:
    """Judge the record of the CLUSTER partition; in a formatted one there is none to judge."""
    if report is None or formatted:
        return
    clear = f"twinset disk clear {path} --yes, then create the mirror from the other side"
    if report.alien:
        yield error(
            "E_PARTITION",
            "partition 1",
            "is not blank: what it holds is neither a record nor a known file system",
            clause="2.2.2.1-11",
            value=report.damage,
            help=f"twinset disk clear {path}, once that may go",
        )
        return
    if report.record is None:
        if report.damage:
            yield error(
                "E_PARTITION", "partition 1", f"both copies of the record are damaged: {report.damage}",
                clause="7.1.2-01", value=report.damage, help=clear,
            )  # fmt: skip
        return
    if report.damage:
        yield warning(
            "W_RECORD", "partition 1", f"one copy of the record is damaged, the other one counts: {report.damage}",
            clause="7.1.2-01", value=report.damage, help="the next start of the cluster repairs it; check the disk",
        )  # fmt: skip
    if report.registered and not registration.owner_here(report.record, known_disks):
        owner = registration.elsewhere(report.record)
        yield warning(
            "W_REUSE", "partition 1", f"holds the record of {owner}: a mirror set of this server refuses it",
            clause="8.6-02", value=owner,
            help=f"if it is not needed there any more: twinset disk clear {path} --yes",
        )  # fmt: skip


def by_advice(facts: DiskFacts, partitions: tuple[Partition, ...]) -> Iterator[Finding]:
    """Say what the guide recommends."""
    tail = facts.size_bytes - max((part.end_bytes for part in partitions), default=0)
    if partitions and 0 <= tail < TAIL_BYTES_ADVISED:
        yield warning(
            "W_NO_TAIL", "disk",
            f"{tail} bytes are unused at its end; beside a disk of another size or kind, {TAIL_BYTES_ADVISED} help",
            clause="2.1.3-03", value=tail, limit=TAIL_BYTES_ADVISED,
            help="twinset disk prepare leaves them (--reserve-tail)",
        )  # fmt: skip
    if facts.array is False:
        yield warning(
            "W_NO_RAID", "disk", "is a single disk; a drive of a disk array survives the loss of a disk",
            clause="4.1.1-03", value="single disk", help="none needed: the mirror is there for it",
        )  # fmt: skip
    if facts.array and facts.write_cache == "write through":
        yield warning(
            "W_WRITETHRU", "disk", "its cache is write-through, which makes an array much slower",
            clause="4.1.4-03", value=facts.write_cache,
            help="set it to write-back, with a battery on the controller or a UPS (4.1.4-04)",
        )  # fmt: skip
