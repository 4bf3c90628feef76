from collections.abc import Callable

import pytest

from twinset.disks import changes
from twinset.disks.facts import LISTED, LOCKED, MOUNTED, Use
from twinset.disks.inspection import Inspection
from twinset.errors import Refusal
from twinset.mirror import cluster_partition as layout
from twinset.mirror.cluster_partition import Record

MIB = 1 << 20
Look = Callable[..., Inspection]
EXT4 = (5 * MIB + 0x438, b"\x53\xef")
SLOT = layout.encode(Record(set_uuid=b"s" * 16, server_name="server9", cur=5), 3)
RECORD = ((MIB, SLOT), (MIB + 4096, SLOT))


def names(found: Inspection) -> list[str]:
    return [thing.name for thing in changes.things(found)]


def test_a_blank_disk_holds_nothing(look: Look) -> None:
    """It is prepared without a word."""
    found = look(table=False)
    assert names(found) == []
    changes.refuse_prepare(found, [])


def test_everything_of_use_has_a_name(look: Look) -> None:
    """Table, file systems, record, remains of others."""
    assert names(look(EXT4, *RECORD, (512, b"EFI PART"))) == ["disk:gpt", "table", "2:ext2-3-4", "record"]
    assert names(look((0, b"XFSB"), table=False)) == ["disk:xfs"]
    assert names(look((70_000, b"x"), table=False)) == ["disk:data"]


def test_a_damaged_record_is_something_too(look: Look) -> None:
    """Perhaps somebody can still read it."""
    assert names(look((MIB, SLOT[:4000]))) == ["table", "record"]


def test_bytes_of_an_unknown_kind_are_not_taken_for_a_record(look: Look) -> None:
    """Clear does not destroy them unless they are named."""
    found = look((MIB, b"\xff" * 8192))
    assert names(found) == ["table", "1:data"]
    with pytest.raises(Refusal, match="unknown kind in partition 1"):
        changes.refuse_clear(found, [], partitions=False)
    changes.refuse_clear(found, ["1:data"], partitions=False)


def test_prepare_wants_every_name(look: Look) -> None:
    """One that is missing is told, with the words that would do (8.6-02)."""
    found = look(EXT4)
    with pytest.raises(Refusal) as caught:
        changes.refuse_prepare(found, ["table"])
    assert caught.value.message == "/dev/x holds ext2/3/4 in partition 2"
    assert caught.value.help.endswith("--discard table,2:ext2-3-4")
    changes.refuse_prepare(found, ["table", "2:ext2-3-4"])


def test_a_name_of_nothing_is_refused(look: Look) -> None:
    """The command was meant for another disk."""
    with pytest.raises(Refusal, match="no such thing on /dev/x, only table"):
        changes.refuse_prepare(look(), ["table", "2:ext2-3-4"])


@pytest.mark.parametrize(
    "facts",
    [
        {"uses": (Use(2, MOUNTED, "/srv"),)},
        {"uses": (Use(0, LOCKED, "twinset-mirrord"),)},
        {"removable": True},
        {"read_only": True},
    ],
)
def test_no_name_helps_against_a_disk_in_use(look: Look, facts: dict[str, object]) -> None:
    """Neither prepare nor clear writes beneath somebody, or to a disk of the wrong kind."""
    found = look(*RECORD, **facts)
    with pytest.raises(Refusal, match="prepare /dev/x"):
        changes.refuse_prepare(found, names(found))
    with pytest.raises(Refusal, match="clear /dev/x"):
        changes.refuse_clear(found, names(found), partitions=False)


def test_an_entry_of_fstab_is_no_use(look: Look) -> None:
    """Of a data partition; nobody is there now."""
    found = look(uses=(Use(2, LISTED, "/srv"),))
    changes.refuse_prepare(found, ["table"])


def test_clear_takes_a_record_without_a_name(look: Look) -> None:
    """It is what the command is for; the data stays, so its file systems need no name."""
    changes.refuse_clear(look(*RECORD, EXT4), [], partitions=False)


def test_clear_with_partitions_wants_the_names_of_the_data(look: Look) -> None:
    """Without its partition nobody finds it again."""
    found = look(*RECORD, EXT4)
    with pytest.raises(Refusal, match="ext2/3/4 in partition 2"):
        changes.refuse_clear(found, [], partitions=True)
    changes.refuse_clear(found, ["2:ext2-3-4"], partitions=True)


def test_clear_does_not_take_a_file_system_for_a_record(look: Look) -> None:
    """The first partition of any other disk would be lost by one wrong letter."""
    found = look((MIB + 0x438, b"\x53\xef"))
    with pytest.raises(Refusal, match="ext2/3/4 in partition 1"):
        changes.refuse_clear(found, [], partitions=False)
    changes.refuse_clear(found, ["1:ext2-3-4"], partitions=False)


def test_there_must_be_something_to_clear(look: Look) -> None:
    """No CLUSTER partition, or a blank one: said, not done."""
    with pytest.raises(Refusal, match="no CLUSTER partition"):
        changes.refuse_clear(look(table=False), [], partitions=False)
    with pytest.raises(Refusal, match="holds no record"):
        changes.refuse_clear(look(), [], partitions=False)
    changes.refuse_clear(look(), [], partitions=True)
