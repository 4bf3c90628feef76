"""7.1: the switch-mirror disk and the CLUSTER partition as resources."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.disks import MIB, SECTOR, cluster_partition_of
from conformance.suite.errors import Failed, Refused
from conformance.suite.inspect import Inspect
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.static import Static

mirrored = pytest.mark.cluster("copies")
SERVER1, SERVER2 = "server1", "server2"


@clause("7.1.1-01")
@pytest.mark.parametrize(
    "servers", [["server1"], ["server2"], []], ids=["server-1-only", "server-2-only", "none"]
)
def test_a_set_has_a_disk_on_each_server(static: Static, servers: list[str]) -> None:
    """A switch-mirror disk is a pair: a set with a disk on one server only, or on none, is refused."""
    config = make.good()
    config["mirror_sets"][0]["disks"] = {server: {"disk": 1} for server in servers}
    static.refuses("7.1.1-01", f"disks on {servers}", config, "E_TOPOLOGY", "E_LIMIT", "E_DISK")


@clause("7.1.1-01")
def test_a_set_with_one_disk_on_each_server(static: Static) -> None:
    """One disk on each of the two servers makes a set."""
    static.accepts("7.1.1-01", "a disk on either server", make.good())


@clause("7.1.1-08")
def test_a_disk_resource_needs_its_mirror_set(static: Static) -> None:
    """A group cannot have a disk of a mirror set that does not exist: E_NOTFOUND."""
    static.accepts("7.1.1-08", "a disk of an existing set", make.good())
    config = make.good()
    config["groups"][0]["resources"][0]["set"] = "nosuchset"
    static.refuses("7.1.1-08", "a disk of a set that does not exist", config, "E_NOTFOUND")


@clause("7.1.2-04", "4.1.3-02")
@pytest.mark.parametrize(
    ("size_bytes", "allowed"),
    [(MIB, True), (MIB - SECTOR, False), (8 * MIB, True), (SECTOR, False)],
    ids=["1-mib", "one-sector-less", "8-mib", "one-sector"],
)
def test_the_cluster_partition_has_at_least_1_mb(inspect: Inspect, size_bytes: int, allowed: bool) -> None:
    """A CLUSTER partition of 1 MiB is large enough; one sector less is refused with E_PARTITION."""
    disk = cluster_partition_of(size_bytes)
    if allowed:
        inspect.accepts("7.1.2-04", f"{size_bytes} bytes", disk)
    else:
        inspect.refuses("7.1.2-04", f"{size_bytes} bytes", disk, "E_PARTITION")


@clause("7.1.2-03")
def test_the_cluster_partition_is_number_1(static: Static) -> None:
    """Data begins with partition 2: that number is accepted, 1 is refused."""
    static.accepts("7.1.2-03", "data on partition 2", make.with_partition_number(2))
    first = make.with_partition_number(1)
    static.refuses("7.1.2-03", "data on partition 1", first, "E_RESERVED", "E_PARTITION")


@clause("7.1.2-05")
def test_the_cluster_partition_has_no_letter(static: Static) -> None:
    """A letter for partition 1 is refused: the CLUSTER partition is nobody's drive."""
    static.refuses(
        "7.1.2-05", "letter E on partition 1", make.with_partition_number(1), "E_RESERVED", "E_PARTITION"
    )


@mirrored
@clause("7.1.1-02", "7.1.1-03", "2.2.2.1-09")
def test_the_data_is_accessible_on_one_server(pair: Pair, judge: Judge) -> None:
    """Mounted and served on the server of its group; on the other no path leads to it, and
    CLUSTER has none.
    """
    pair.wait_place("db", SERVER1)
    for server, expected in ((SERVER1, True), (SERVER2, False)):
        judge.equal(
            "7.1.1-02", f"mounted on {server}", expected=expected, observed=pair.mounted("db", server)
        )
        judge.equal("7.1.1-03", f"served on {server}", expected=expected, observed=pair.served("db", server))
    exports = pair.exports("db", SERVER1)
    cluster = [export for export in exports if export in {"1", "CLUSTER", "A", "B"}]
    judge.equal("2.2.2.1-09", "exports of the CLUSTER partition", expected=[], observed=cluster)


@mirrored
@clause("7.1.1-04", "7.1.1-03", "2.2.2.1-02", "7.1.1-06")
def test_data_is_handed_over_on_a_move(pair: Pair, judge: Judge) -> None:
    """What was written before a group move is read after it, under the same letter, and only there."""
    pair.wait_place("db", SERVER1)
    written = pair.write_file("db", SERVER1, "moved", mib=4)
    with pair.spoiled_on_error():
        pair.operate("group.move", group="db", to=SERVER2)
        pair.wait_place("db", SERVER2)
        read, left = pair.checksum("db", SERVER2, "moved"), pair.checksum("db", SERVER1, "moved")
        mounted = pair.mounted("db", SERVER1)
        pair.operate("group.move", group="db", to=SERVER1)
        pair.wait_place("db", SERVER1)
    judge.equal("7.1.1-04", "the file on server 2", expected=written, observed=read)
    judge.equal("2.2.2.1-02", "under the same letter", expected=written, observed=read)
    judge.equal("7.1.1-03", "not on server 1 any more", expected=("", False), observed=(left, mounted))


@pytest.mark.spoils
@mirrored
@clause("7.1.1-04", "7.1.1-03")
def test_data_is_handed_over_on_a_failover(pair: Pair, judge: Judge) -> None:
    """What was written and flushed before the active server is lost is read on the other one
    after the failover.
    """
    pair.wait_place("db", SERVER1)
    written = pair.write_file("db", SERVER1, "failed-over", mib=4)
    pair.crash(SERVER1)
    pair.spoil()
    pair.wait(lambda s: s.place("db") == SERVER2, "db to fail over", seen_by=SERVER2)
    read = pair.checksum("db", SERVER2, "failed-over")
    judge.equal("7.1.1-04", "the file on server 2", expected=written, observed=read)
    judge.equal("7.1.1-03", "mounted on server 2", expected=True, observed=pair.mounted("db", SERVER2))


@pytest.mark.spoils
@mirrored
@clause("7.1.2-01", "4.1.3-01")
def test_a_lost_cluster_partition_is_not_passed_over(pair: Pair, judge: Judge) -> None:
    """The CLUSTER partition holds the set's record: with it destroyed, the set is not silently
    normal again.
    """
    pair.wait_place("db", SERVER1)
    pair.operate("cluster.stop")
    pair.spoil()
    pair.wait(lambda s: set(s.servers.values()) == {"X"}, "both servers to be X")
    record = pair.see.cluster_partition("set1", SERVER2)
    judge.holds("7.1.2-01", "the CLUSTER partition holds something", any(record), len(record))
    judge.holds("4.1.3-01", "partition 1 is where the set is managed", any(record), record[:64])
    since = pair.events_now()
    pair.erase_cluster_partition("set1", SERVER2)
    # Whoever has the record in memory loses it too: what counts is what lies on the disk.
    pair.crash(SERVER2)
    pair.power_on(SERVER2)
    try:
        pair.operate("cluster.start")
    except (Refused, Failed) as refused:
        judge.holds("7.1.2-01", "the start is refused with a reason", bool(refused.message), str(refused))
        return
    silent = pair.settle(lambda s: s.sets["set1"]["state"] != "NORMAL")
    copied = [event for event in pair.events(since) if event["kind"] == "full_copy"]
    noticed = silent.sets["set1"]["state"] != "NORMAL" or bool(copied)
    judge.holds("7.1.2-01", "not NORMAL, or after an announced full copy", noticed, silent.sets["set1"])
