"""Rules about what stands between the silence of a server and a take-over; ours."""

import ipaddress
from collections.abc import Iterator

from twinset.config.cluster import ClusterConfig
from twinset.config.rules.common import absolute_path, positive
from twinset.config.rules.rule import Rule
from twinset.config.structure import shown
from twinset.finding import Finding, error, warning

TARGETS_MAX = 8
FENCE_S_MAX = 600
CLAUSE = "4.2.3-01"


def ping_targets(config: ClusterConfig) -> Iterator[Finding]:
    """Targets are addresses in a network of a public LAN, and none of the cluster's own."""
    targets = config.cluster.ping_targets
    if len(targets) > TARGETS_MAX:
        words = f"{len(targets)} targets, at most {TARGETS_MAX} are allowed"
        yield error("E_LIMIT", "cluster.ping_targets", words, clause=CLAUSE, limit=TARGETS_MAX)
    own = {end.ip for lan in config.lans for end in lan.endpoints}
    own |= {item.address for group in config.groups for item in group.floating_ips}
    for i, target in enumerate(targets):
        path = f"cluster.ping_targets[{i}]"
        try:
            ipaddress.IPv4Address(target)
        except ValueError:
            yield error("E_SUBNET", path, f"{shown(target)} is no IPv4 address", clause=CLAUSE, value=target)
            continue
        if target in own:
            words = f"{target} is an address of the cluster itself: it says nothing about the network"
            yield error("E_TOPOLOGY", path, words, clause=CLAUSE, value=target)
    if targets and not config.public_lans():
        yield error(
            "E_TOPOLOGY", "cluster.ping_targets", "there is no public LAN to reach them by", clause=CLAUSE
        )
    if len(targets) == 1 and config.public_lans():
        words = "a single target: when it is down itself, a silent server is never taken over"
        yield warning("W_PING_SINGLE", "cluster.ping_targets", words, clause=CLAUSE)


def fence(config: ClusterConfig) -> Iterator[Finding]:
    """The hook is an absolute path, and its time is bounded."""
    if config.cluster.fence:
        yield from absolute_path("cluster.fence", config.cluster.fence, code="E_RANGE", clause=CLAUSE)
    yield from positive("cluster.fence_timeout_s", config.cluster.fence_timeout_s, clause=CLAUSE)
    if config.cluster.fence_timeout_s > FENCE_S_MAX:
        words = f"{config.cluster.fence_timeout_s} s, at most {FENCE_S_MAX} are allowed"
        yield error("E_RANGE", "cluster.fence_timeout_s", words, clause=CLAUSE, limit=FENCE_S_MAX)


RULES = (Rule(ping_targets, (CLAUSE,)), Rule(fence, (CLAUSE,)))
