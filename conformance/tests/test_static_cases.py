"""The cases about configurations can fail: a port that takes everything and one that takes nothing do not pass them."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.suite import registry
from conformance.suite.errors import ConformanceError
from conformance.suite.judge import Judge
from conformance.suite.static import Static
from conformance.tests.case_files import Case, every_case

Answer = dict[str, Any]
CODES = (
    "LIMIT", "LENGTH", "CHARSET", "DUP", "RESERVED", "RANGE", "SUBNET", "TOPOLOGY", "DISK", "PARTITION", "FS", "STATE",
    "NOTFOUND",
)  # fmt: skip
WARNINGS = (
    "W_RESERVED",
    "W_EXCLUSIVE",
    "W_SINGLE_IC",
    "W_PUBLIC_NOT_IC",
    "W_WINS_BIND",
    "W_WINS_SINGLE",
    "W_WINS",
)


class Port:
    """An adapter that gives one answer to whatever configuration."""

    description: Answer = {"filesystem": "ext4"}  # noqa: RUF012 - never changed

    def __init__(self, codes: tuple[str, ...], number: int) -> None:
        self.number = number
        self.findings = [
            {"severity": "error" if code[0] == "E" else "warning", "code": code} for code in codes
        ]

    def validate(self, _config: Answer) -> Answer:
        refused = any(finding["severity"] == "error" for finding in self.findings)
        return {"accepted": not refused, "findings": self.findings}

    def request(self, verb: str, _args: Answer) -> Answer:
        assert verb == "estimate"
        names = (
            "memory_kib",
            "max_io_kib",
            "max_io_count",
            "interval_s",
            "count",
            "timeout_s",
            "resources_s",
        )
        return dict.fromkeys(names, self.number)


PORTS = {
    "accepts": Port((), 0),
    "warns": Port(WARNINGS, 10),
    "refuses": Port(tuple(f"E_{code}" for code in CODES), 1),
}


def parameters(case: Case) -> Iterator[dict[str, Any]]:
    """Each set of a case's parameters, as pytest would give them."""
    choices = []
    for mark in getattr(case.function, "pytestmark", []):
        if mark.name == "parametrize":
            names = mark.args[0] if isinstance(mark.args[0], tuple) else (mark.args[0],)
            choices.append(
                [dict(zip(names, v if len(names) > 1 else (v,), strict=True)) for v in mark.args[1]]
            )
    for chosen in itertools.product(*choices):
        yield {name: value for part in chosen for name, value in part.items()}


def passes(case: Case, port: Port, values: dict[str, Any]) -> bool:
    """True when the case finds no fault with the port."""
    judge = Judge(registry.load_once(), case.clauses)
    try:
        case.function(static=Static(port, judge), **values)  # type: ignore[arg-type]
    except ConformanceError:
        return False
    return not judge.unjudged()


STATIC = [case for case in every_case() if "static" in case.function.__code__.co_varnames]


def test_there_are_cases_to_try() -> None:
    """Else the next test would prove nothing."""
    assert len(STATIC) > 80


@pytest.mark.parametrize("case", STATIC, ids=lambda case: case.id)
def test_no_port_that_does_not_look_passes_a_case(case: Case) -> None:
    """One that accepts, one that warns of everything and one that refuses everything: no case is passed by all of
    them, and the case as a whole, with all its parameters, by at most two.
    """
    runs = list(parameters(case))
    passed = {name for name, port in PORTS.items() if all(passes(case, port, values) for values in runs)}
    assert "refuses" not in passed or not passed & {"accepts", "warns"}
    assert passed != set(PORTS)
