"""Chapter 3.1: operation forms, where one is declared."""

from collections.abc import Iterator

from twinset.config.cluster import ClusterConfig
from twinset.config.rules.rule import Rule
from twinset.config.structure import shown
from twinset.finding import Finding, error


def one_group_an_application(config: ClusterConfig) -> Iterator[Finding]:
    """In uni-directional standby an application has one group."""
    if config.cluster.operation_form != "uni-directional":
        return
    first: dict[str, str] = {}
    for i, group in enumerate(config.groups):
        before = first.setdefault(group.application.casefold(), group.name)
        if group.application and before != group.name:
            text = (
                f"{shown(group.application)} runs in group {before} too: one group in uni-directional standby"
            )
            path = f"group[{i}].application"
            yield error("E_LIMIT", path, text, clause="3.1.1-01", value=group.application, limit=1)


RULES = (Rule(one_group_an_application, ("3.1.1-01",)),)
