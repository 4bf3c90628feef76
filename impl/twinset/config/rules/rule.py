"""What a rule is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from twinset.config.cluster import ClusterConfig
from twinset.finding import Finding

Check = Callable[[ClusterConfig], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A check with the clauses it stands for.

    `needs` names the fields that must be readable in every item (``server.name``): a rule that compares the
    policy of a group with the names of the servers says nothing while one of those names is no string.
    """

    check: Check
    clauses: tuple[str, ...]
    needs: tuple[str, ...] = ()
