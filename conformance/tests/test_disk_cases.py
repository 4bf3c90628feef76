"""The cases about disks can fail: a port that accepts every disk, and one that refuses every disk, pass none."""

from collections.abc import Callable
from typing import Any

import pytest

from conformance.suite import registry
from conformance.suite.errors import ClauseFailed
from conformance.suite.inspect import Inspect
from conformance.suite.judge import Judge
from conformance.tests.case_files import Case, every_case

Answer = dict[str, Any]
FILES = ("test_2_1_3_unequal_disks.py", "test_4_1_mirror_disks.py", "test_8_6_former_disks.py")
CODES = ("E_DISK", "E_PARTITION", "E_LIMIT", "W_SIZE", "W_NO_TAIL", "W_REUSE")


class Port:
    """An adapter that gives one answer to whatever disk."""

    def __init__(self, *codes: str) -> None:
        self.findings = [
            {
                "severity": "error" if code[0] == "E" else "warning",
                "code": code,
                "path": "disk",
                "message": "m",
            }
            for code in codes
        ]

    def request(self, verb: str, args: Answer) -> Answer:
        assert verb == "inspect_disk"
        assert args["disk"]["partitions"] is not None
        return {"accepted": not self.findings, "findings": self.findings}


def runs() -> list[tuple[Case, dict[str, Any]]]:
    """Every case of these files that inspects disks, with each set of its parameters."""
    found = []
    for case in every_case():
        if case.file not in FILES or "inspect" not in case.function.__code__.co_varnames:
            continue
        marks = [mark for mark in getattr(case.function, "pytestmark", []) if mark.name == "parametrize"]
        values = [{marks[0].args[0]: value} for value in marks[0].args[1]] if marks else [{}]
        found += [(case, value) for value in values]
    return found


def fails(function: Callable[..., object], clauses: tuple[str, ...], port: Port, **values: Any) -> bool:
    """True when the case finds fault with the port."""
    judge = Judge(registry.load_once(), clauses)
    try:
        function(inspect=Inspect(port, judge), **values)  # type: ignore[arg-type]
    except ClauseFailed:
        return True
    return False


def test_there_are_cases_to_try() -> None:
    """Else the next test would prove nothing."""
    assert len(runs()) >= 14


@pytest.mark.parametrize("port", [Port(), Port(*CODES)], ids=["accepts-all", "refuses-all"])
@pytest.mark.parametrize(("case", "values"), runs(), ids=lambda item: getattr(item, "id", ""))
def test_a_port_that_does_not_look_fails_the_case(case: Case, values: dict[str, Any], port: Port) -> None:
    """Each case tells good disks from bad ones; the few that only accept, or only refuse, are named."""
    one_sided = {
        ("4.1.3-03/the-cluster-partition-is-basic-and-blank", "refuses-all"),
        ("4.1.5-01/drives-of-arrays-are-disks", "accepts-all"),
    }
    name = "refuses-all" if port.findings else "accepts-all"
    assert fails(case.function, case.clauses, port, **values) is ((case.id, name) not in one_sided)
