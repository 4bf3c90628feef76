"""6.2: the attributes of a group as a whole. Each by itself is judged in its own section."""

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.static import Static


@clause("6.2-01")
def test_seven_attributes(static: Static) -> None:
    """Name, startup, failover, failback, policy, logical service names and registry keys can all be given."""
    static.accepts("6.2-01", "all seven", make.with_whole_group("all", logical_service_names=["sales"]))


@clause("6.2-01")
def test_a_logical_service_name_is_unique_in_the_cluster(static: Static) -> None:
    """The same logical service name at two groups, in whatever case, is refused with E_DUP; two names are fine."""
    for name, allowed in (("stock", True), ("sales", False), ("SALES", False)):
        config = make.with_attribute(logical_service_names=["sales"])
        config["groups"].append(make.group("web", make.script(), logical_service_names=[name]))
        if allowed:
            static.accepts("6.2-01", f"sales and {name}", config)
        else:
            static.refuses("6.2-01", f"sales and {name}", config, "E_DUP")
