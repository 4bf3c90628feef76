"""docs/configuration.md and the model say the same."""

import json
import re
import tomllib
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from twinset.config import check_text
from twinset.config.cluster import ClusterConfig
from twinset.finding import CODES
from twinset.guide import limits
from twinset.guide.memory import set_memory_kib

DOC = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SECTIONS = {
    "cluster",
    "timing",
    "name_service",
    "alerts",
    "trap",
    "server",
    "lan",
    "mirror_set",
    "group",
    "event_rule",
    "account",
}


def rows_of(heading: str) -> dict[str, list[str]]:
    """Return the cells of the rows of a section by the keys in their first cell."""
    [section] = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", DOC, re.MULTILINE | re.DOTALL)
    rows: dict[str, list[str]] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        for key in re.findall(r"`([a-z_.]+)`", cells[0]) if line.startswith("| `") else []:
            rows[key] = cells
    return rows


def keys_of(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the keys below a table as the document names them, with their fields."""
    for name, field in model.model_fields.items():
        key = field.validation_alias or name
        yield prefix + key, field
        inner = field.annotation
        if get_origin(inner) in {Union, types.UnionType, tuple}:
            inner = get_args(inner)[0]
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from keys_of(inner, f"{prefix}{key}.")


def test_top_level_keys_are_documented() -> None:
    """The first table names the tables of the file, and nothing else."""
    keys = {field.validation_alias or name for name, field in ClusterConfig.model_fields.items()}
    assert set(rows_of("Top level")) == keys


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_keys_of_a_table_are_documented(section: str) -> None:
    """Each section names the keys of its table with their defaults, and no key that does not exist."""
    heading = (
        f"`[{section}]`" if section in {"cluster", "timing", "name_service", "alerts"} else f"`[[{section}]]`"
    )
    rows = rows_of(heading)
    fields = {
        key.removeprefix(f"{section}."): field
        for key, field in keys_of(ClusterConfig)
        if key.startswith(f"{section}.")
    }
    assert set(rows) == set(fields)
    for key, field in fields.items():
        if field.is_required():
            assert rows[key][2] == "required", key
        elif isinstance(field.default, (bool, int, float, str)):
            assert rows[key][2] == shown(field.default), key


def shown(default: Any) -> str:
    """Return a default as the document writes it."""
    return f"{default:g}" if isinstance(default, float) else json.dumps(default)


def test_classes_are_documented() -> None:
    """Every class of error is explained, and none that does not exist."""
    documented = set(re.findall(r"^\| `(E_[A-Z_]+)`", DOC, re.MULTILINE))
    assert documented == CODES


def test_warnings_are_documented(sources: str) -> None:
    """Every class of warning that a rule gives is explained, and none that no rule gives."""
    documented = set(re.findall(r"^\| `(W_[A-Z_]+)`", DOC, re.MULTILINE))
    assert documented == set(re.findall(r'"(W_[A-Z_]+)"', sources))


@pytest.fixture()
def sources() -> str:
    rules = Path(limits.__file__).parents[1] / "config" / "rules"
    return "\n".join(path.read_text(encoding="utf-8") for path in rules.glob("*.py"))


def test_example_is_in_order() -> None:
    """The example of the document has no finding."""
    [example] = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)
    assert tomllib.loads(example)["group"][0]["name"] == "db"
    assert check_text(example) == []


def test_memory_of_the_defaults() -> None:
    """The 18 MiB of the document are those of the formula."""
    assert "18 MiB" in DOC
    assert set_memory_kib(limits.MAX_IO_KIB_DEFAULT, limits.MAX_IO_COUNT_DEFAULT) == 18 << 10


def test_sample_of_a_finding(judge: Callable[[dict[str, Any]], list[Any]]) -> None:
    """The finding that the document shows is one that the rules give."""
    groups = [{"name": name, "policy": ["server1"]} for name in ("a", "b", "payroll_database_1")]
    [finding] = judge({"group": groups})
    assert f"{finding.severity:<8}{finding.code:<18}{finding.message}" in DOC
