"""4.1: which disks can be mirrored, and which two belong together."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.disks import BAD_DISKS, MIB, partitions_on, plain, shaped
from conformance.suite.inspect import Inspect
from conformance.suite.static import Static

in_use = pytest.mark.needs("inspect_use")
beside = pytest.mark.needs("inspect_pair")


@in_use
@clause("4.1.2-02", "4.1.5-02")
def test_the_disk_of_the_system_is_refused(inspect: Inspect) -> None:
    """A disk that the server runs from is refused with E_DISK; another one beside it is accepted."""
    inspect.refuses("4.1.2-02", "the system is on it", plain(holds="system"), "E_DISK")
    inspect.accepts("4.1.5-02", "the system is on another disk", plain())


@in_use
@clause("4.1.2-03")
def test_a_disk_with_swap_space_in_use_is_refused(inspect: Inspect) -> None:
    """Refused with E_DISK while the server swaps to it; accepted when it does not any more."""
    inspect.refuses("4.1.2-03", "swap space in use", plain(holds="swap"), "E_DISK")
    inspect.accepts("4.1.2-03", "the same disk after that", plain())


@in_use
@clause("4.1.2-04")
def test_a_removable_disk_is_refused(inspect: Inspect) -> None:
    """A medium that can be taken out is refused with E_DISK; a fixed disk of the same layout is accepted."""
    inspect.refuses("4.1.2-04", "removable", plain(removable=True), "E_DISK")
    inspect.accepts("4.1.2-04", "not removable", plain(removable=False))


@in_use
@clause("4.1.2-01")
def test_a_server_with_unsuitable_disks_needs_another(inspect: Inspect) -> None:
    """Each unsuitable disk is refused for its own reason; a disk that serves nothing else is accepted."""
    for holds in ("system", "swap", "mounted"):
        inspect.refuses("4.1.2-01", f"holds {holds}", plain(holds=holds), "E_DISK")
    inspect.accepts("4.1.2-01", "a disk of its own for mirroring", plain())


@clause("4.1.2-05")
@pytest.mark.parametrize(
    "fields", [{"label": "ldm"}, {"member_of": "lvm"}, {"member_of": "md"}], ids=["ldm", "lvm", "md"]
)
def test_a_dynamic_disk_is_refused(inspect: Inspect, fields: dict[str, str]) -> None:
    """A dynamic disk, or what comes closest to it, is refused with E_DISK; a basic one is accepted."""
    inspect.refuses("4.1.2-05", f"{fields}", plain(**fields), "E_DISK")
    inspect.accepts("4.1.2-05", "a basic disk", plain())


@clause("4.1.2-06")
def test_a_gpt_disk_is_refused(inspect: Inspect) -> None:
    """A disk with a GPT is refused with E_DISK, with an MBR it is accepted."""
    inspect.refuses("4.1.2-06", "GPT", plain(label="gpt"), "E_DISK")
    inspect.accepts("4.1.2-06", "MBR", plain())


@clause("4.1.2-07")
def test_a_mirror_set_switches_as_a_whole(static: Static) -> None:
    """Two groups cannot each have a partition of one set: for two directions two sets are needed."""
    config = make.with_mirror_sets(2)
    static.accepts("4.1.2-07", "two groups with a set each", config)
    groups = config["groups"]
    config["mirror_sets"] = [make.mirror_set(1, {2: "E", 3: "F"})]
    for group, letter in zip(groups, "EF", strict=True):
        group["resources"] = [make.disk_resource(1, letter)]
    static.refuses("4.1.2-07", "two groups on one set", config, "E_TOPOLOGY", "E_DUP", "E_PARTITION")


@clause("4.1.3-03")
@pytest.mark.parametrize("fault", ["formatted", "logical"])
def test_the_cluster_partition_is_basic_and_blank(inspect: Inspect, fault: str) -> None:
    """A CLUSTER partition that is formatted, or that is a logical one, is refused with E_PARTITION."""
    disk = partitions_on(2)
    if fault == "formatted":
        disk["partitions"][0]["content"] = "ext4"
    else:
        disk = next(case.disk for case in BAD_DISKS if case.slug == "first-is-logical")
    inspect.refuses("4.1.3-03", fault, disk, "E_PARTITION")


@beside
@clause("4.1.1-01")
def test_disks_of_unequal_capacity_are_remarked_upon(inspect: Inspect) -> None:
    """With equal partitions they are warned about or refused; with partitions that differ they are refused."""
    inspect.is_silent("4.1.1-01", "equal disks", shaped(), "W_SIZE", other=shaped())
    larger = shaped(size_bytes=80 * MIB)
    inspect.remarks("4.1.1-01", "unequal capacity", shaped(), "W_SIZE", "E_DISK", other=larger)
    unlike = shaped(size_bytes=80 * MIB, data_bytes=48 * MIB)
    inspect.refuses("4.1.1-01", "unequal partitions", shaped(), "E_PARTITION", other=unlike)


@beside
@clause("4.1.5-01", "4.1.5-03")
def test_drives_of_arrays_are_disks(inspect: Inspect) -> None:
    """A logical drive of an array is accepted as a disk, beside one of another array as well."""
    drive, other = shaped(array=True, model="RAID5"), shaped(array=True, model="RAID1")
    inspect.accepts("4.1.5-01", "a drive of an array", drive)
    inspect.accepts("4.1.5-03", "drives of different RAID types", drive, other=other)
