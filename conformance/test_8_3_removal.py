"""8.3: switch-mirror disks go before their mirror set does."""

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.static import Static


@clause("8.3-02")
def test_a_set_in_use_cannot_go(static: Static) -> None:
    """A configuration without the set but with its disk in a group is refused; with both gone it is accepted."""
    config = make.good()
    config["mirror_sets"] = []
    static.refuses("8.3-02", "the set gone, its disk still in a group", config, "E_NOTFOUND", "E_STATE")
    static.accepts("8.3-02", "both gone", make.without_disks(make.good()))
