import pytest

from twinset.mirror.cluster_partition import NO_ID, Record, State
from twinset.mirror.registration import foreign, owner_here, refusal

OWN, OTHER = b"o" * 16, b"x" * 16
DISK = Record(
    set_uuid=b"s" * 16,
    disk_uuid=b"d" * 16,
    server_uuid=OWN,
    server_name="server1",
    state=State.IN_SYNC,
    cur=5,
)


def test_a_blank_disk_is_nobodys() -> None:
    """Neither a disk without a record nor one that was only opened is refused."""
    assert foreign(None, "set1", {}, OWN) == ""
    assert foreign(Record(server_name="elsewhere"), "set1", {}, OWN) == ""


def test_the_disk_that_the_latch_names_is_the_sets_own() -> None:
    """Whatever server it says: a target's record may have none."""
    assert foreign(DISK, "set1", {"set1": b"d" * 16}, OTHER) == ""
    assert foreign(DISK.replace(server_uuid=NO_ID), "set1", {"set1": b"d" * 16}, OWN) == ""


def test_a_disk_of_another_set_here_is_refused_by_its_name() -> None:
    """Also when the set has none yet (8.6-02)."""
    known = {"set2": b"d" * 16}
    assert foreign(DISK, "set1", known, OWN) == "mirror set set2 of this server"
    assert owner_here(DISK, known) == "set2"


def test_a_lost_latch_does_not_make_a_disk_foreign() -> None:
    """The record still names this server; the latch only repeats the worst."""
    assert foreign(DISK, "set1", {}, OWN) == ""
    assert foreign(DISK, "set1", {"set1": NO_ID}, OWN) == ""


def test_a_former_disk_does_not_come_back_unseen() -> None:
    """It was replaced; what it says is of the past."""
    assert "another disk now" in foreign(DISK, "set1", {"set1": b"n" * 16}, OWN)


@pytest.mark.parametrize("server", [OTHER, NO_ID])
@pytest.mark.parametrize("known", [{}, {"set1": b"n" * 16}])
def test_a_disk_from_elsewhere_is_refused(server: bytes, known: dict[str, bytes]) -> None:
    """Of another cluster or of a server that was replaced: its words mean nothing here (8.6-02)."""
    owner = foreign(DISK.replace(server_uuid=server), "set1", known, OWN)
    assert owner == "another mirror set (73737373), registered on server server1"


def test_unknown_identities_are_not_equal() -> None:
    """Two disks without identity are not the same disk."""
    assert owner_here(DISK.replace(disk_uuid=NO_ID), {"set1": NO_ID}) == ""


def test_the_refusal_says_the_way_out() -> None:
    """Disk, owner, command, clause."""
    refused = refusal("/dev/x", "mirror set set2 of this server")
    assert (refused.code, refused.clause) == ("E_DISK", "8.6-02")
    assert "twinset disk clear /dev/x --yes" in str(refused)
