"""2.2.2.1: what a mirrored disk, its partitions and their letters must be like."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.disks import BAD_DISKS, GOOD_DISKS, DiskCase, partitions_on
from conformance.suite.inspect import Inspect
from conformance.suite.static import Static


@clause("2.2.2.1-01")
def test_a_mirror_set_needs_two_servers(static: Static) -> None:
    """A mirror set is accepted in a cluster of two servers and refused with one or with three."""
    static.accepts("2.2.2.1-01", "a mirror set on two servers", make.good())
    static.refuses("2.2.2.1-01", "one server", make.with_servers(1), "E_TOPOLOGY", "E_LIMIT")
    static.refuses("2.2.2.1-01", "three servers", make.with_servers(3), "E_LIMIT", "E_TOPOLOGY")


@clause("2.2.2.1-02", "7.1.1-06")
def test_a_partition_has_one_letter_on_both_servers(static: Static) -> None:
    """A partition with another letter on the other server is refused; case makes no difference."""
    for letters, same in (
        ({"server1": "R", "server2": "r"}, True),
        ({"server1": "R", "server2": "S"}, False),
    ):
        config = make.with_letters("R")
        config["mirror_sets"][0]["partitions"] = [{"number": 2, "letters": letters}]
        if same:
            static.accepts("2.2.2.1-02", f"{letters}", config)
        else:
            static.refuses("2.2.2.1-02", f"{letters}", config, "E_PARTITION")


@clause("2.2.2.1-03")
def test_eight_mirror_sets_and_no_ninth(static: Static) -> None:
    """A cluster has up to 8 mirror sets; a ninth is refused with E_LIMIT."""
    static.accepts("2.2.2.1-03", "8 mirror sets", make.with_mirror_sets(8))
    static.refuses("2.2.2.1-03", "9 mirror sets", make.with_mirror_sets(9), "E_LIMIT")


@clause("2.2.2.1-04")
def test_a_set_has_a_data_partition_beside_the_cluster_partition(static: Static) -> None:
    """Partition 1 is the CLUSTER partition: a set whose disk has nothing else mirrors nothing; refused."""
    static.accepts("2.2.2.1-04", "CLUSTER partition and one data partition", make.good())
    config = make.good()
    config["mirror_sets"][0]["partitions"] = []
    config["groups"][0]["resources"] = [make.script()]
    static.refuses("2.2.2.1-04", "no data partition", config, "E_PARTITION")


@clause("2.2.2.1-05")
def test_twenty_three_switched_partitions_and_no_twenty_fourth(static: Static) -> None:
    """26 letters less A, B and the system drive leave 23 partitions; a 24th is refused with E_LIMIT."""
    static.accepts("2.2.2.1-05", "23 switched partitions", make.with_letters(*make.LETTERS))
    beyond = make.with_letters(*make.LETTERS, make.LETTERS[0])
    static.refuses("2.2.2.1-05", "24 switched partitions", beyond, "E_LIMIT")


@clause("2.2.2.1-06")
@pytest.mark.parametrize("letter", ["A", "B", "C", "a", "b", "c"])
def test_a_reserved_letter_is_refused(static: Static, letter: str) -> None:
    """A, B and the system drive's letter, in either case, are refused with E_RESERVED."""
    static.refuses("2.2.2.1-06", f"letter {letter}", make.with_letters(letter), "E_RESERVED")


@clause("2.2.2.1-06")
@pytest.mark.parametrize("letter", make.LETTERS)
def test_every_other_letter_is_allowed(static: Static, letter: str) -> None:
    """Each of the other 23 letters may label a switched partition."""
    static.accepts("2.2.2.1-06", f"letter {letter}", make.with_letters(letter))


@clause("2.2.2.1-06")
def test_the_system_letter_is_the_servers_own(static: Static) -> None:
    """Reserved is the letter of the system drive: with the system on D, D is refused and C allowed."""
    for letter, allowed in (("C", True), ("D", False)):
        config = make.with_letters(letter)
        for server in config["servers"]:
            server["system_letter"] = "D"
        if allowed:
            static.accepts("2.2.2.1-06", "letter C while the system is on D", config)
        else:
            static.refuses("2.2.2.1-06", "letter D while the system is on D", config, "E_RESERVED")


@clause("2.2.2.1-06")
@pytest.mark.parametrize("letters", [("E", "E"), ("E", "e")])
def test_a_letter_labels_one_partition(static: Static, letters: tuple[str, str]) -> None:
    """Two partitions with one letter, in whatever case, are refused with E_DUP."""
    config = make.with_letters(*letters)
    # One of them is enough for the group: whatever else is there twice must not answer for the letters.
    config["groups"] = [make.group("db", make.disk_resource(1, letters[0]))]
    static.refuses("2.2.2.1-06", f"letters {letters}", config, "E_DUP")


@clause("2.2.2.1-06")
@pytest.mark.parametrize("letter", ["EE", "1", "", "É", "-"])
def test_a_label_that_is_no_letter_is_refused(static: Static, letter: str) -> None:
    """A label that is not one letter from A to Z is refused with E_CHARSET or E_LENGTH."""
    static.refuses("2.2.2.1-06", f"label {letter!r}", make.with_letters(letter), "E_CHARSET", "E_LENGTH")


@clause("2.2.2.1-07", "7.1.1-05")
@pytest.mark.parametrize("filesystem", ["vfat", "ext2", "nosuchfs"])
def test_a_file_system_without_a_journal_is_refused(static: Static, filesystem: str) -> None:
    """A switched partition carries NTFS or a journaling file system in its place; others: E_FS."""
    static.refuses("2.2.2.1-07", filesystem, make.with_filesystem(filesystem), "E_FS")


@clause("2.2.2.1-07", "7.1.1-05")
def test_the_native_file_system_or_ntfs_is_accepted(static: Static) -> None:
    """The file system that the port names as its own is accepted, or else NTFS itself."""
    native = str(static.adapter.description.get("filesystem", "ntfs"))
    static.accepts("2.2.2.1-07", native, make.with_filesystem(native))


@clause("2.2.2.1-08")
@pytest.mark.parametrize(("count", "allowed"), [(32, True), (33, False)])
def test_a_disk_has_up_to_32_partitions(inspect: Inspect, count: int, allowed: bool) -> None:
    """A disk with 32 partitions (the CLUSTER partition among them) can be mirrored; with 33 it is refused."""
    disk = partitions_on(count)
    if allowed:
        inspect.accepts("2.2.2.1-08", f"{count} partitions", disk)
    else:
        inspect.refuses("2.2.2.1-08", f"{count} partitions", disk, "E_LIMIT")


@clause("2.2.2.1-09")
def test_partition_1_is_no_switched_partition(static: Static) -> None:
    """The first partition belongs to the cluster: naming it as a data partition is refused."""
    config = make.with_partition_number(1)
    static.refuses("2.2.2.1-09", "partition 1 as a data partition", config, "E_RESERVED", "E_PARTITION")


@clause("2.2.2.1-10")
@pytest.mark.parametrize("case", [c for c in BAD_DISKS if c.clause == "2.2.2.1-10"], ids=lambda c: c.slug)
def test_the_cluster_partition_is_primary_and_first(inspect: Inspect, case: DiskCase) -> None:
    """A disk whose partition 1 is logical or does not lie first on the disk is refused with E_PARTITION."""
    inspect.refuses("2.2.2.1-10", case.fact, case.disk, *case.codes)


@clause("2.2.2.1-10", "2.2.2.1-11", "2.2.2.1-12")
@pytest.mark.parametrize("case", GOOD_DISKS, ids=lambda c: c.slug)
def test_a_plain_disk_is_accepted(inspect: Inspect, case: DiskCase) -> None:
    """A basic disk with a blank primary partition 1 at its start and a data partition can be mirrored."""
    for clause_id in ("2.2.2.1-10", "2.2.2.1-11", "2.2.2.1-12"):
        inspect.accepts(clause_id, case.fact, case.disk)


@clause("2.2.2.1-11", "7.1.2-02")
@pytest.mark.parametrize("filesystem", ["ext4", "ntfs", "vfat"])
def test_the_cluster_partition_is_not_formatted(inspect: Inspect, filesystem: str) -> None:
    """A CLUSTER partition that carries a file system is refused with E_PARTITION."""
    disk = partitions_on(2)
    disk["partitions"][0]["content"] = filesystem
    inspect.refuses("2.2.2.1-11", f"{filesystem} on partition 1", disk, "E_PARTITION")


@clause("2.2.2.1-12", "2.2.2.1-13")
@pytest.mark.parametrize("case", [c for c in BAD_DISKS if c.clause == "2.2.2.1-12"], ids=lambda c: c.slug)
def test_volume_managers_own_no_mirrored_disk(inspect: Inspect, case: DiskCase) -> None:
    """A disk that belongs to a volume set, a stripe set or a dynamic volume is refused with E_DISK."""
    inspect.refuses("2.2.2.1-12", case.fact, case.disk, *case.codes)
    inspect.refuses("2.2.2.1-13", case.fact, case.disk, *case.codes)


@clause("2.2.2.1-13")
@pytest.mark.parametrize("label", ["gpt", "ldm"])
def test_a_dynamic_or_gpt_disk_is_refused(inspect: Inspect, label: str) -> None:
    """Only basic disks (an MBR) are mirrored: a dynamic disk's database or a GPT is refused with E_DISK."""
    disk = {**partitions_on(2), "label": label}
    inspect.refuses("2.2.2.1-13", f"label {label}", disk, "E_DISK")
