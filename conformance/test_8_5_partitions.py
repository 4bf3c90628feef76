"""8.5: the partitions of a mirrored disk, before and after its mirroring was cancelled."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.errors import AdapterError
from conformance.suite.judge import Judge
from conformance.suite.pair import SERVERS, Pair
from conformance.suite.refusals import refusal

GROUP, SET = "db", "set1"
ONE, TWO = SERVERS
REFUSED = ("E_STATE", "E_DISK", "E_DENIED")
DATA_MIB = (20, 10)


def table(pair: Pair, server: str) -> dict[int, int]:
    """The sizes in MiB of the primary partitions of a server's disk, as its first sector has them."""
    device = pair.adapter.request("copies", {"set": SET})["copies"][server]["device"]
    argv = ["sh", "-c", f"dd if={device} bs=512 count=1 2> /dev/null | od -An -v -tu1"]
    sector = bytes(map(int, pair.see.run(server, argv).stdout.split()))
    if len(sector) != 512:
        raise AdapterError(f"{device} on {server}: a first sector of {len(sector)} bytes")
    entries = [sector[446 + 16 * slot : 462 + 16 * slot] for slot in range(4)]
    return {
        number: int.from_bytes(entry[12:], "little") * 512 >> 20
        for number, entry in enumerate(entries, start=1)
        if entry[4]
    }


@pytest.mark.spoils
@pytest.mark.needs("partitioning", "mirror_functions", "reconfigure")
@pytest.mark.cluster("copies")
@clause("8.5-01", "8.5-02")
def test_partitions_change_only_after_the_mirroring_was_cancelled(pair: Pair, judge: Judge) -> None:
    """Beside the cluster at work, and with the cluster stopped, new partitions are refused and the table stays. When
    the mirroring was cancelled and the server restarted they are written.
    """
    pair.spoil()
    before = table(pair, ONE)
    change = {"server": ONE, "data_mib": list(DATA_MIB)}

    def refused(when: str) -> None:
        code = refusal(pair, "disk.partition", **change)
        judge.holds("8.5-01", f"refused {when}", code in REFUSED, code)
        judge.equal("8.5-01", f"the table {when}", expected=before, observed=table(pair, ONE))

    refused("while it is mirrored")
    pair.operate("cluster.stop")
    pair.wait(lambda s: set(s.servers.values()) == {"X"}, "both servers to be X")
    refused("while the cluster is stopped")
    pair.adapter.request("apply", {"config": pair.without_disk(GROUP)})
    pair.until_accepted("mirror.cancel", set=SET)
    pair.crash(ONE)
    pair.power_on(ONE)
    pair.until_accepted("disk.partition", **change)
    data = [size for number, size in table(pair, ONE).items() if number > 1]
    judge.equal("8.5-02", "cancelled and restarted", expected=list(DATA_MIB), observed=data)
