"""Small things that several chapters need."""

import math
from collections.abc import Iterable, Iterator

from twinset.config.cluster import ClusterConfig, same_name
from twinset.config.structure import shown
from twinset.finding import Finding, error
from twinset.guide.limits import Limit
from twinset.guide.names import Problem


def as_findings(path: str, value: object, problems: Iterable[Problem]) -> Iterator[Finding]:
    """Yield what the guide's judges found, at its place in the file."""
    for problem in problems:
        yield error(problem.code, path, problem.text, clause=problem.clause, value=value, limit=problem.limit)


def at_most(path: str, count: int, limit: Limit) -> Iterator[Finding]:
    """Yield a finding when there are more than the guide allows."""
    if count > limit:
        text = f"{count} {limit.unit}, at most {limit} are allowed"
        yield error("E_LIMIT", path, text, clause=limit.clause, value=count, limit=int(limit))


def duplicates(named: Iterable[tuple[str, str]], *, what: str, clause: str) -> Iterator[Finding]:
    """Yield a finding for each (path, name) whose name was there before, in any case."""
    first: dict[str, str] = {}
    for path, name in named:
        before = first.setdefault(name.casefold(), path)
        if before != path:
            text = f"{shown(name)} is the {what} of {before} already"
            yield error("E_DUP", path, text, clause=clause, value=name, limit=before)


def unknown(path: str, name: str, known: Iterable[str], *, what: str, clause: str) -> Iterator[Finding]:
    """Yield a finding when a name refers to nothing that is configured."""
    names = list(known)
    if not any(same_name(name, other) for other in names):
        text = f"{shown(name)} is no {what}; configured: {', '.join(names) or 'none'}"
        yield error("E_NOTFOUND", path, text, clause=clause, value=name, limit=names)


def absolute_path(path: str, value: str, *, code: str, clause: str) -> Iterator[Finding]:
    """Yield a finding when a value is no absolute path."""
    if not value.startswith("/"):
        yield error(code, path, f"{shown(value)} is no absolute path", clause=clause, value=value)
    elif not value.isprintable():
        text = f"{shown(value)} contains characters that cannot be printed"
        yield error("E_CHARSET", path, text, clause=clause, value=value)


def positive(path: str, value: float, *, clause: str) -> Iterator[Finding]:
    """Yield a finding unless a number is finite and greater than 0."""
    if not (math.isfinite(value) and value > 0):
        yield error(
            "E_RANGE", path, f"{value} is not greater than 0", clause=clause, value=value, limit="> 0"
        )


def server_names(config: ClusterConfig) -> list[str]:
    """Return the names of the servers as they are written."""
    return [server.name for server in config.servers]
