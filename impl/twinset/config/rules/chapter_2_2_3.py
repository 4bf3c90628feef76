"""Chapter 2.2.2.3: the cluster, its servers and its accounts by name."""

from collections.abc import Iterator

from twinset.config.cluster import ClusterConfig
from twinset.config.password import MASK, is_hash
from twinset.config.rules.common import as_findings, at_most, duplicates, server_names, unknown
from twinset.config.rules.rule import Rule
from twinset.finding import Finding, error
from twinset.guide import limits, names

FORMAT = 1


def file_format(config: ClusterConfig) -> Iterator[Finding]:
    """The file is of the one format there is."""
    if config.format != FORMAT:
        text = f"format {config.format} is unknown, this version reads format {FORMAT}"
        yield error("E_UNSUPPORTED", "format", text, clause="", value=config.format, limit=FORMAT)


def cluster_name(config: ClusterConfig) -> Iterator[Finding]:
    """The name of the cluster."""
    name = config.cluster.name
    yield from as_findings("cluster.name", name, names.name_problems(name, names.CLUSTER))


def cluster_password(config: ClusterConfig) -> Iterator[Finding]:
    """The password of the cluster has at most fifteen bytes; what stands for it is a hash, or its mask."""
    problems = names.length_problem(
        config.cluster.password, limits.CLUSTER_PASSWORD_BYTES_MAX, empty_allowed=True
    )
    yield from _secret("cluster.password", config.cluster.password, problems)
    kept = config.cluster.password_hash
    if kept not in ("", MASK) and not is_hash(kept):
        text = "is no hash of a password: write the password itself as cluster.password"
        clause = limits.CLUSTER_PASSWORD_BYTES_MAX.clause
        yield error("E_RANGE", "cluster.password_hash", text, clause=clause)


def preferred_survivor(config: ClusterConfig) -> Iterator[Finding]:
    """The preferred survivor is one of the servers, or left open."""
    name = config.cluster.preferred_survivor
    if name:
        path = "cluster.preferred_survivor"
        yield from unknown(path, name, server_names(config), what="server", clause="")


def servers(config: ClusterConfig) -> Iterator[Finding]:
    """Servers have names that hosts can have, and that differ in more than case."""
    named = [(f"server[{i}].name", server.name) for i, server in enumerate(config.servers)]
    for path, name in named:
        yield from as_findings(path, name, names.name_problems(name, names.SERVER))
    yield from duplicates(named, what="name", clause="2.2.2.3-06")


def accounts(config: ClusterConfig) -> Iterator[Finding]:
    """At most sixteen accounts, with names and passwords of at most 31 bytes."""
    yield from at_most("account", len(config.accounts), limits.ACCOUNTS_MAX)
    first: dict[str, str] = {}
    for i, account in enumerate(config.accounts):
        path = f"account[{i}].name"
        yield from as_findings(path, account.name, names.name_problems(account.name, names.ACCOUNT))
        password = account.password
        problems = names.length_problem(password, limits.ACCOUNT_PASSWORD_BYTES_MAX, empty_allowed=True)
        yield from _secret(f"account[{i}].password", password, problems)
        before = first.setdefault(account.name, path)  # the system's user names differ by case
        if before != path:
            text = f'"{account.name}" is the name of {before} already'
            yield error("E_DUP", path, text, clause="2.2.2.3-16", value=account.name, limit=before)


def _secret(path: str, secret: str, problems: Iterator[names.Problem]) -> Iterator[Finding]:
    """Yield findings about a password without showing it."""
    for problem in problems:
        size = names.byte_count(secret)
        text = f"is {size} bytes, at most {problem.limit} are allowed"
        yield error(
            problem.code, path, text, clause=problem.clause, value=f"{size} bytes", limit=problem.limit
        )


RULES = (
    Rule(file_format, ()),
    Rule(cluster_name, ("2.2.2.3-01", "2.2.2.3-03")),
    Rule(cluster_password, ("2.2.2.3-14",)),
    Rule(preferred_survivor, (), needs=("server.name",)),
    Rule(servers, ("2.2.2.3-05", "2.2.2.3-06", "2.2.2.3-07")),
    Rule(accounts, ("2.2.2.3-15", "2.2.2.3-17", "2.2.2.3-18")),
)
