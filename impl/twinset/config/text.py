"""The configuration as text: TOML in, findings or a model out; a model in, TOML out."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twinset.config import rules, structure
from twinset.config.canonical import canonical
from twinset.config.cluster import ClusterConfig
from twinset.errors import ConfigError
from twinset.finding import Finding, error, errors


def check_text(text: str) -> list[Finding]:
    """Return every finding about a configuration: errors and warnings, empty when there is nothing to say."""
    return _read(text)[1]


def check_file(path: str | Path) -> list[Finding]:
    """Return every finding about a file; one that cannot be read is a finding too."""
    try:
        return check_text(_text_of(path))
    except ConfigError as unreadable:
        return [finding for finding in unreadable.findings if isinstance(finding, Finding)]


def check_document(document: Mapping[str, Any]) -> list[Finding]:
    """Return every finding about a document that is already parsed."""
    return _judge(document)[1]


def load(path: str | Path) -> ClusterConfig:
    """Return the configuration in a file; ConfigError with every finding when one of them is an error."""
    return loads(_text_of(path))


def loads(text: str) -> ClusterConfig:
    """Return the configuration in a text; ConfigError with every finding when one of them is an error."""
    config, findings = _read(text)
    if config is None or errors(findings):
        raise ConfigError(findings)
    return canonical(config)


def dump(config: ClusterConfig) -> str:
    """Return the text of a configuration, defaults written out, passwords left out."""
    document = config.model_dump(by_alias=True, mode="python")
    lines: list[str] = []
    _table(lines, (), document)
    return "\n".join(lines).lstrip("\n") + "\n"


def _text_of(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as refused:
        raise ConfigError([error("E_SYNTAX", "", f"{path} is not UTF-8: {refused}", clause="")]) from refused
    except (OSError, ValueError) as refused:  # ValueError: a path with a NUL
        why = refused.strerror if isinstance(refused, OSError) else str(refused)
        raise ConfigError([error("E_NOTFOUND", "", f"{path} cannot be read: {why}", clause="")]) from refused


def _read(text: str) -> tuple[ClusterConfig | None, list[Finding]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as refused:
        return None, [error("E_SYNTAX", "", f"this is no TOML: {refused}", clause="")]
    except RecursionError:
        return None, [error("E_SYNTAX", "", "this is no TOML that can be read: nested too deeply", clause="")]
    return _judge(document)


def _judge(document: Mapping[str, Any]) -> tuple[ClusterConfig, list[Finding]]:
    read = structure.build(dict(document))
    return read.config, [*read.findings, *rules.judge(read)]


def _table(lines: list[str], name: tuple[str, ...], table: Mapping[str, Any]) -> None:
    """Write the values of a table, then its sub-tables, as TOML wants it."""
    for key, value in table.items():
        if value is not None and not _is_table(value, name):
            lines.append(f"{key} = {_inline(value)}")
    for key, value in table.items():
        if isinstance(value, dict):
            lines += ["", f"[{'.'.join((*name, key))}]"]
            _table(lines, (*name, key), value)
        elif _is_table(value, name):
            for item in value:
                lines += ["", f"[[{'.'.join((*name, key))}]]"]
                _table(lines, (*name, key), item)


def _is_table(value: Any, parent: tuple[str, ...]) -> bool:
    """True for what gets a heading of its own: tables, and lists of tables at the top or of a group."""
    if isinstance(value, dict):
        return True
    listed = isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], dict)
    return listed and parent in {(), ("group",)}


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return str(value)
