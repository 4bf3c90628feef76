"""From a parsed document to the typed model, without losing the healthy parts.

A wrong type or a missing key must not hide what else is wrong. So every broken value is reported and then
replaced by a stand-in of the right type, until the model holds; the rules run on that model, and `Structure`
remembers which paths are stand-ins, because what a rule says about those is no news.
"""

import difflib
import types
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from twinset.config.cluster import ClusterConfig
from twinset.finding import Finding, error
from twinset.guide.names import quoted

Location = tuple[str | int, ...]

# No name is allowed to contain this, so a stand-in equals no name that is in order.
STAND_IN = "\x00"
_REPAIRS_MAX = 12  # the depth of the model, and some

# Which clause states the values that a key may have.
_CLAUSE_OF_VALUES = {
    "group.startup": "6.2.2-01",
    "group.failover": "6.2.3-02",
    "group.failback": "6.2.4-01",
    "group.policy": "6.2.5-01",
    "group.monitor.types": "9.2-05",
    "group.watch.action": "6.3-20",
    "event_rule.action": "6.3-16",
    "mirror_set.max_io_kib": "4.5.1-03",
    "mirror_set.max_io_count": "4.5.1-03",
    "timing.heartbeat_timeout_count": "9.1-03",
    "timing.heartbeat_interval_s": "9.1-03",
    "server": "2.1.1-01",
}

# Keys that another product of the family would know, and why a mirror-disk cluster refuses them here.
_UNSUPPORTED = {
    "cluster.disk_arbitration": (
        "4.2.3-01",
        "a mirror-disk cluster cannot settle a network partition so",
    ),
    "group.line_switch": ("6.1-07", "line switching units are not supported: there is no such hardware here"),
    "group.virtual_computer_name.floating_ip": ("7.3.1.3-04", "the associated address cannot be chosen"),
}

# Keys whose values no finding repeats.
_SECRETS = {"password", "password_hash", "community"}

_KIND_WORDS = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}


@dataclass(frozen=True)
class Structure:
    """A model that holds, the findings on the way to it, and the paths that are stand-ins."""

    config: ClusterConfig
    findings: tuple[Finding, ...]
    broken: frozenset[Location]

    def is_broken(self, path: str) -> bool:
        """True when the value at a path, or one that contains it, is a stand-in."""
        starts = (path_of(location) for location in self.broken)
        return any(path == start or path.startswith((f"{start}.", f"{start}[")) for start in starts)

    def lacks(self, field: str) -> bool:
        """True when some item's value of a field (``server.name``) is a stand-in."""
        broken = {generic(location) for location in self.broken}
        return any(field == start or field.startswith(f"{start}.") for start in broken)


def build(document: dict[str, Any]) -> Structure:
    """Return the model of a document and every structural finding."""
    document = _copy(document)
    findings: list[Finding] = []
    broken: set[Location] = set()
    for _ in range(_REPAIRS_MAX):
        try:
            config = ClusterConfig.model_validate(_freeze(document), by_alias=True, by_name=False)
        except ValidationError as refused:
            # From the end, so that an item that is taken out does not move one that is still to be repaired.
            problems = sorted(refused.errors(include_url=False), key=lambda e: _order(e["loc"]), reverse=True)
            known = frozenset(broken)
            for problem in problems:
                location = problem["loc"]
                if not _within(location, known):
                    findings.append(_finding(problem))
                broken.add(_repair(document, location, problem["type"]))
        else:
            return Structure(config, tuple(reversed(findings)), frozenset(broken))
    raise AssertionError(f"no model after {_REPAIRS_MAX} repairs: {sorted(map(path_of, broken))}")


def path_of(location: Location) -> str:
    """Return a location as an operator reads it: ``group[2].name``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def generic(location: Location) -> str:
    """Return a location without its positions: ``group.name``."""
    return ".".join(part for part in location if isinstance(part, str))


def _finding(problem: Any) -> Finding:
    location: Location = problem["loc"]
    path, field = path_of(location), generic(location)
    kind = problem["type"]
    clause = _CLAUSE_OF_VALUES.get(field, "")
    if kind == "missing":
        return error("E_SYNTAX", path, "is missing", clause=clause)
    value = problem["input"]
    if kind == "extra_forbidden":
        if field in _UNSUPPORTED:
            clause, why = _UNSUPPORTED[field]
            return error("E_UNSUPPORTED", path, why, clause=clause, value=value)
        return error("E_SYNTAX", path, f"unknown key{_hint(location)}", clause="", value=value)
    expected = _annotation(location)
    if location[-1] in _SECRETS:
        text = f"is {_kind_of(value)}, {_expected(expected)} is expected"
        return error("E_RANGE", path, text, clause=clause, limit=_expected(expected))
    if kind == "literal_error":
        allowed = get_args(expected)
        words = " or ".join(f'"{word}"' for word in allowed)
        return error(
            "E_RANGE", path, f"{shown(value)} is not {words}", clause=clause, value=value, limit=allowed
        )
    text = f"{shown(value)} is {_kind_of(value)}, {_expected(expected)} is expected"
    return error("E_RANGE", path, text, clause=clause, value=value, limit=_expected(expected))


def shown(value: Any) -> str:
    """Return a value as it stands in the file, shortened."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, (list, tuple)):
        text = "[" + ", ".join(shown(item) for item in value) + "]"
    else:
        text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _hint(location: Location) -> str:
    table = _annotation(location[:-1])
    known = sorted(info.validation_alias or name for name, info in table.model_fields.items())
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; is {close[0]} meant?" if close else f"; known here: {', '.join(known)}"


def _kind_of(value: Any) -> str:
    kind = tuple if isinstance(value, tuple) else type(value)
    return _KIND_WORDS.get(list if kind is tuple else kind, f"a {type(value).__name__}")


def _expected(annotation: Any) -> str:
    if get_origin(annotation) is tuple:
        return _KIND_WORDS[list]
    if get_origin(annotation) is Literal:
        return _KIND_WORDS[str]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _KIND_WORDS[dict]
    return _KIND_WORDS[annotation]


def _repair(document: dict[str, Any], location: Location, kind: str) -> Location:
    """Put a stand-in at a location, or take the value out; return the location that is now untrue."""
    *inner, last = location
    parent: Any = document
    for part in inner:
        parent = parent[part]
    if kind == "extra_forbidden":
        del parent[last]
        return location
    annotation = _annotation(location)
    if isinstance(last, int) and get_origin(annotation) is Literal:
        del parent[last]
        return tuple(inner)
    if isinstance(last, str) and kind != "missing" and _has_default(location):
        del parent[last]
        return location
    parent[last] = _stand_in(annotation)
    return location


def _stand_in(annotation: Any) -> Any:
    if get_origin(annotation) is tuple:
        return []
    if get_origin(annotation) is Literal:
        return get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {}
    return {str: STAND_IN, int: 1, float: 1.0, bool: False}[annotation]


def _annotation(location: Location) -> Any:
    """Return the type that the model has at a location; None is taken off an optional one."""
    annotation: Any = ClusterConfig
    for part in location:
        annotation = get_args(annotation)[0] if isinstance(part, int) else _field(annotation, part).annotation
        if get_origin(annotation) in {Union, types.UnionType}:
            annotation = next(arg for arg in get_args(annotation) if arg is not types.NoneType)
    return annotation


def _has_default(location: Location) -> bool:
    return not _field(_annotation(location[:-1]), str(location[-1])).is_required()


def _field(model: type[BaseModel], key: str) -> Any:
    for name, info in model.model_fields.items():
        if key == (info.validation_alias or name):
            return info
    raise KeyError(key)


def _within(location: Location, starts: frozenset[Location]) -> bool:
    return any(location[: len(start)] == start for start in starts)


def _order(location: Location) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (-1, part) for part in location)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copy(item) for item in value]
    return value


def _freeze(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _freeze(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value)
    return value
