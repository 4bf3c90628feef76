"""Chapter 2.1 and 2.3.2: how many servers, and how networks join them."""

from collections.abc import Iterator

from twinset.config.cluster import ClusterConfig, Lan, same_name
from twinset.config.rules.common import at_most, duplicates, server_names, unknown
from twinset.config.rules.rule import Rule
from twinset.config.structure import shown
from twinset.finding import Finding, error, warning
from twinset.guide import limits


def two_servers(config: ClusterConfig) -> Iterator[Finding]:
    """A mirror-disk cluster has exactly two servers."""
    count = len(config.servers)
    if count != limits.SERVERS:
        text = f"{count} {limits.SERVERS.unit}, exactly {limits.SERVERS} are required"
        yield error("E_LIMIT", "server", text, clause="2.1.1-01", value=count, limit=int(limits.SERVERS))
        if config.mirror_sets:
            text = f"mirror sets need two servers, there are {count}"
            yield error("E_TOPOLOGY", "mirror_set", text, clause="2.2.2.1-01", value=count, limit=2)


def same_domain(config: ClusterConfig) -> Iterator[Finding]:
    """Both servers belong to one domain, or to none."""
    domains = [server.domain for server in config.servers]
    for i, domain in enumerate(domains):
        if not same_name(domain, domains[0]):
            text = f'{shown(domain)} differs from the domain "{domains[0]}" of {config.servers[0].name}'
            yield error(
                "E_TOPOLOGY", f"server[{i}].domain", text, clause="2.3.2-03", value=domain, limit=domains[0]
            )


def interconnect_count(config: ClusterConfig) -> Iterator[Finding]:
    """There is an interconnect, better two, and at most sixteen."""
    count = len(config.interconnects())
    yield from at_most("lan", count, limits.INTERCONNECTS_MAX)
    clause, advised = limits.INTERCONNECTS_ADVISED.clause, int(limits.INTERCONNECTS_ADVISED)
    if count == 0:
        text = "no LAN has the role interconnect"
        yield error("E_TOPOLOGY", "lan", text, clause=clause, value=0, limit=advised)
    elif count < advised:
        text = "a single interconnect: when it fails, both servers believe the other is down"
        yield warning("W_SINGLE_IC", "lan", text, clause=clause, value=count, limit=advised)


def primary_interconnect(config: ClusterConfig) -> Iterator[Finding]:
    """The primary interconnect is no public LAN."""
    first = next(iter(config.interconnects()), None)
    if first and "public" in first.roles:
        text = f'"{first.name}" is the primary interconnect and a public LAN'
        path = f"lan[{config.lans.index(first)}].roles"
        yield error("E_TOPOLOGY", path, text, clause="2.1.4-04", value=list(first.roles))


def mirror_connects(config: ClusterConfig) -> Iterator[Finding]:
    """One or two mirror connects, each an interconnect and no public LAN."""
    lans = [(i, lan) for i, lan in enumerate(config.lans) if "mirror" in lan.roles]
    yield from at_most("lan", len(lans), limits.MIRROR_CONNECTS_MAX)
    if config.mirror_sets and not lans:
        text = "there are mirror sets, but no LAN has the role mirror"
        yield error("E_TOPOLOGY", "lan", text, clause=limits.MIRROR_CONNECTS_MAX.clause, value=0, limit=1)
    for i, lan in lans:
        path = f"lan[{i}].roles"
        if "interconnect" not in lan.roles:
            text = f'mirror connect "{lan.name}" is no interconnect'
            yield error("E_TOPOLOGY", path, text, clause="2.1.5-02", value=list(lan.roles))
        if "public" in lan.roles:
            text = f'mirror connect "{lan.name}" is a public LAN, where others than the two servers are'
            yield error("E_TOPOLOGY", path, text, clause="2.1.5-03", value=list(lan.roles))


def lan_joins_both(config: ClusterConfig) -> Iterator[Finding]:
    """A LAN has one endpoint on each server."""
    for i, lan in enumerate(config.lans):
        yield from _endpoints(config, f"lan[{i}].endpoints", lan)


def _endpoints(config: ClusterConfig, path: str, lan: Lan) -> Iterator[Finding]:
    clause = limits.LAN_SERVERS.clause if "mirror" in lan.roles else "2.3.2-02"
    names = server_names(config)
    for j, endpoint in enumerate(lan.endpoints):
        yield from unknown(f"{path}[{j}].server", endpoint.server, names, what="server", clause=clause)
    for name in names:
        count = sum(same_name(endpoint.server, name) for endpoint in lan.endpoints)
        if count != 1:
            text = f'"{lan.name}" has {count} endpoints on server {name}, exactly 1 is required'
            yield error("E_TOPOLOGY", path, text, clause=clause, value=count, limit=1)


def roles(config: ClusterConfig) -> Iterator[Finding]:
    """A LAN has at least one role, each once."""
    for i, lan in enumerate(config.lans):
        if not lan.roles:
            text = "a LAN needs a role: public, interconnect or mirror"
            yield error("E_RANGE", f"lan[{i}].roles", text, clause="", value=[])
        for j, role in enumerate(lan.roles):
            if role in lan.roles[:j]:
                yield error("E_DUP", f"lan[{i}].roles[{j}]", f'"{role}" stands twice', clause="", value=role)


def priorities(config: ClusterConfig) -> Iterator[Finding]:
    """Priorities of LANs count from 1 and differ."""
    given = [
        (f"lan[{i}].priority", lan.priority) for i, lan in enumerate(config.lans) if lan.priority is not None
    ]
    for path, value in given:
        if value < 1:
            yield error("E_RANGE", path, f"{value} is less than 1", clause="", value=value, limit=1)
    yield from duplicates(((path, str(value)) for path, value in given), what="priority", clause="")


def public_lans(config: ClusterConfig) -> Iterator[Finding]:
    """Clients reach the servers over a public LAN, which is better an interconnect too."""
    if not config.public_lans():
        yield warning(
            "W_NO_PUBLIC", "lan", "no LAN has the role public, clients find no way", clause="2.3.2-02"
        )
    for i, lan in enumerate(config.lans):
        if "public" in lan.roles and "interconnect" not in lan.roles:
            text = (
                f'public LAN "{lan.name}" is no interconnect; as one it makes a network partition less likely'
            )
            yield warning(
                "W_PUBLIC_NOT_IC", f"lan[{i}].roles", text, clause="4.2.3-02", value=list(lan.roles)
            )


RULES = (
    Rule(two_servers, ("2.1.1-01", "2.2.2.1-01", "2.3.2-01"), needs=("server",)),
    Rule(same_domain, ("2.3.2-03", "2.3.2.1-02"), needs=("server.domain",)),
    Rule(interconnect_count, ("2.1.4-02", "2.1.4-03"), needs=("lan.roles",)),
    Rule(primary_interconnect, ("2.1.4-04",), needs=("lan.roles", "lan.priority")),
    Rule(
        mirror_connects, ("2.1.5-02", "2.1.5-03", "2.1.5-06", "2.2.2.2-09", "4.2.5-01"), needs=("lan.roles",)
    ),
    Rule(
        lan_joins_both, ("2.1.5-03", "2.2.2.2-09", "2.3.2-02"), needs=("server.name", "lan.endpoints.server")
    ),
    Rule(roles, ()),
    Rule(priorities, ()),
    Rule(public_lans, ("4.2.3-02",), needs=("lan.roles",)),
)
