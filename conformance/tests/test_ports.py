"""The ports to copy from: small, on their own feet, judged as expected."""

import ast
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from conformance.examples import __main__ as examples
from conformance.suite import registry

HERE = examples.HERE
SHELL_LINES_MAX = 150


@pytest.mark.parametrize("name", examples.EVERY)
def test_a_port_has_an_expectation_of_clauses_that_exist(name: str) -> None:
    """What it is expected to get is written down, clause by clause, and nobody is expected to break the suite."""
    expected = json.loads(examples.expected_file(name).read_text())
    assert set(expected) <= set(registry.load_once())
    assert set(expected.values()) <= {"pass", "fail", "unsupported", "not run"}
    assert list(expected.values()).count("pass") >= 20
    assert os.access(examples.PORTS[name].command[0], os.X_OK)


def test_what_differs_is_told_and_what_is_new_is_not_held_against_anybody() -> None:
    """Another verdict and a missing one differ; a clause with its first case is new, unless it is broken."""
    expected = {"1-01": "pass", "1-02": "fail", "1-03": "pass"}
    differs, new = examples.compare(
        expected, {"1-01": "pass", "1-02": "pass", "2-01": "fail", "2-02": "broken"}
    )
    assert differs == [
        "1-02: expected fail, found pass",
        "1-03: expected pass, found nothing",
        "2-02: broken",
    ]
    assert new == ["2-01: fail"]


def test_the_port_in_perl_gets_what_is_expected() -> None:
    """The suite's verdict about it is the committed one."""
    if shutil.which("perl") is None:
        pytest.skip("needs perl")
    assert examples.main(["static_port"]) == 0


def test_the_shell_adapter_is_short() -> None:
    """A stranger reads it in a few minutes."""
    assert len((HERE / "static_adapter.sh").read_text().splitlines()) <= SHELL_LINES_MAX


@pytest.mark.parametrize(
    "path", sorted(HERE.glob("*_p*.py")) + sorted(HERE.glob("toy_*.py")), ids=lambda path: path.name
)
def test_a_port_imports_nothing_of_ours(path: Path) -> None:
    """It stands on the contract alone: the standard library, and what lies beside it."""
    beside = {each.stem for each in HERE.glob("*.py")}
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            top = name.partition(".")[0]
            assert top not in {"twinset", "harness", "conformance", "perf"}, f"{path.name} imports {name}"
            assert top in beside or top in sys.stdlib_module_names
