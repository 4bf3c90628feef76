"""5.2: what applications can rely on: where their data is, when it is there, what passes from server to server."""

import pytest

from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.pictures import SERVER1, SERVER2
from conformance.suite.walk import Walk

no = pytest.mark.cluster("walk-no")


@no
@clause("5.2.2-11", "5.2.2-12")
def test_several_groups_run_on_one_server_after_an_error(pair: Pair, judge: Judge) -> None:
    """When a server is lost the other one runs both groups, and both instances of the application run together."""
    walked = Walk(pair, "NO").arrow("3")
    judge.equal("5.2.2-11", "places", expected={"A": SERVER2, "B": SERVER2}, observed=walked.places)
    judge.equal("5.2.2-12", "a new instance for A", expected=["start"], observed=walked.ran("A", SERVER2))
    judge.equal("5.2.2-12", "that of B goes on", expected=[], observed=walked.ran("B", SERVER2))


@no
@clause("5.2.2-05", "5.2.2-06")
def test_a_move_unmounts_after_the_stop_script(pair: Pair, judge: Judge) -> None:
    """Where the group was, its stop script has run and its file system is unmounted."""
    walk = Walk(pair, "NO")
    walked = walk.arrow("7")
    walk.go_to("P1")
    judge.equal("5.2.2-06", "on the server it left", expected=["stop"], observed=walked.ran("A", SERVER2))
    judge.equal("5.2.2-05", "mounted there", expected=False, observed=pair.mounted("A", SERVER2))


@no
@clause("5.2.2-16", "5.2.2-17")
def test_an_inactive_disk_is_not_ready(pair: Pair, judge: Judge) -> None:
    """A client of the disk gets nothing on the server where the group is not active, and reads it where it is."""
    Walk(pair, "NO").go_to("P1")
    judge.equal("5.2.2-16", "served on the standby", expected=False, observed=pair.served("A", SERVER2))
    judge.equal("5.2.2-17", "served on the active server", expected=True, observed=pair.served("A", SERVER1))


@no
@clause("5.2.2-08", "5.2.2-04")
def test_only_data_on_the_mirror_disk_passes(pair: Pair, judge: Judge) -> None:
    """After a failover a file on the mirror disk is there at once, without a check by an operator; one on the
    server's own disk is not.
    """
    walk = Walk(pair, "NO")
    walk.go_to("P1")
    own = f"{pair.see.scratch}/own-data"
    written = pair.write_file("A", SERVER1, "passes")
    pair.see.run(SERVER1, ["sh", "-c", f"echo own > {own}"])
    walk.go_to("P2")
    judge.equal("5.2.2-04", "usable", expected=True, observed=pair.mounted("A", SERVER2))
    judge.equal("5.2.2-08", "mirrored data", expected=written, observed=pair.checksum("A", SERVER2, "passes"))
    judge.equal("5.2.2-08", "the server's own", expected="", observed=pair.see.checksum(SERVER2, own))


@no
@clause("5.2.2-20")
def test_addresses_come_and_go_with_groups(pair: Pair, judge: Judge) -> None:
    """The active server answers for the floating address beside its own; after a loss the other one does."""
    walk = Walk(pair, "NO")
    for picture, server in (("P1", SERVER1), ("P2", SERVER2)):
        walk.go_to(picture)
        for address in (walk.fips["A"], pair.see.fixed[server]):
            judge.equal(
                "5.2.2-20", f"who has {address}", expected=server, observed=pair.see.owner_of(address)
            )
