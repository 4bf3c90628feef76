"""Adapters that answer anything but the contract's words: the suite says broken, says why, and never waits for long."""

import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.suite import adapter as suite_adapter
from conformance.suite import registry
from conformance.suite.adapter import Adapter
from conformance.suite.errors import AdapterError, ConformanceError
from conformance.suite.inspect import Inspect
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.static import Static
from conformance.tests.case_files import every_case
from conformance.tests.test_adapter import fake
from conformance.tests.test_plugin import run

pytest_plugins = ("pytester",)
SEEDS = range(1, 9)
ANSWER_S = 0.5
# What is written in place of an answer to `validate`, and what the suite says to it.
LINES = {
    "bytes-that-are-no-text": (r"sys.stdout.buffer.write(b'\xff\x00\x80\n')", "no JSON"),
    "a-number": (r"sys.stdout.buffer.write(b'7\n')", "answered"),
    "an-empty-line": (r"sys.stdout.buffer.write(b'\n')", "no JSON"),
    "nested-without-end": (r"sys.stdout.buffer.write(b'[' * 200000 + b'\n')", "no JSON"),
    "half-a-line": (r"sys.stdout.buffer.write(b'{\"id\": 3, ')", "silent for"),
    "half-a-line-and-the-end": (
        r"sys.stdout.buffer.write(b'{\"id\": 3, '); sys.stdout.flush(); sys.exit(0)",
        "its end .exit status 0",
    ),
    "a-line-without-end": (r"sys.stdout.buffer.write(b'x' * (17 << 20))", "a line of more than"),
    "nothing": ("pass", "silent for"),
    "the-end": ("sys.exit(5)", "exit status 5"),
    "an-answer-to-another-question": (
        r"""sys.stdout.buffer.write(b'{"id": 1, "ok": true}\n')""",
        "asked with id 3",
    ),
    "yes-and-no": (r"""print(json.dumps({"id": number, "ok": "yes"}))""", "neither a result nor"),
    "an-error-of-no-kind": (
        r"""print(json.dumps({"id": number, "ok": False, "error": {"kind": ["refused"]}}))""",
        "four errors",
    ),
    "a-result-that-is-a-list": (
        r"""print(json.dumps({"id": number, "ok": True, "result": []}))""",
        "no object",
    ),
    "findings-that-are-words": ("result({'accepted': False, 'findings': ['E_LIMIT']})", "must be an object"),
    "a-finding-without-a-code": (
        "result({'accepted': False, 'findings': [{'severity': 'error'}]})",
        "'code' must be a str",
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_whatever_comes_instead_of_an_answer(tmp_path: Path, name: str) -> None:
    """It is named, at once or when the deadline is over."""
    write, message = LINES[name]
    found = fake(tmp_path, f"if verb == 'validate': {write}; sys.stdout.flush(); continue")
    begun = time.monotonic()
    try:
        with pytest.raises(AdapterError, match=message):
            _validate(found)
        assert time.monotonic() - begun < 10
    finally:
        found.close()


def _validate(adapter: Adapter) -> None:
    adapter.request("validate", {"config": {}}, timeout_s=ANSWER_S)
    adapter.validate({})


def test_a_line_of_ten_megabytes_is_a_line(tmp_path: Path) -> None:
    """Long, but within the contract: it is read like any other, and soon."""
    long = "[{'severity': 'warning', 'code': 'W_LONG', 'message': 'm' * (10 << 20)}]"
    found = fake(
        tmp_path, f"if verb == 'validate': result({{'accepted': True, 'findings': {long}}}); continue"
    )
    begun = time.monotonic()
    try:
        answer = found.validate({})
        assert len(answer["findings"][0]["message"]) == 10 << 20
        assert time.monotonic() - begun < 10
    finally:
        found.close()


@pytest.mark.parametrize("write", ["pass", "sys.exit(0)"], ids=["silent", "ended"])
def test_who_has_failed_is_not_waited_for_again(tmp_path: Path, write: str) -> None:
    """After the first silence, or the end, every further request fails at once with the first reason."""
    found = fake(tmp_path, f"if verb == 'validate': {write}; continue")
    try:
        with pytest.raises(AdapterError):
            found.request("validate", {}, timeout_s=ANSWER_S)
        begun = time.monotonic()
        for _ in range(100):
            with pytest.raises(
                AdapterError, match=r"not asked any more: (the adapter was silent|instead of an)"
            ):
                found.request("operate")
        assert time.monotonic() - begun < 1
    finally:
        found.close()


CASES = """
import pytest
@clause("6.2.5-11")
@pytest.mark.parametrize("n", range(100))
def test_many(static, n): static.accepts("6.2.5-11", "f", {})
"""


@pytest.mark.parametrize("name", ["nothing", "half-a-line-and-the-end", "bytes-that-are-no-text"])
def test_a_run_comes_to_its_end(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A whole run with such an adapter: every case is broken, none passes, and it does not take long."""
    monkeypatch.setenv("CONFORMANCE_PATIENCE", "0.02")
    body = f"if verb == 'validate': {LINES[name][0]}; sys.stdout.flush(); continue"
    begun = time.monotonic()
    status, report, output = run(pytester, CASES, fake=body)
    assert status == 1
    assert {case["outcome"] for case in report["cases"]} == {"broken"}
    assert len(report["cases"]) == 100
    assert any(words in output for words in ("silent", "instead of an answer", "no JSON", "exit status"))
    assert time.monotonic() - begun < 60


# -- an adapter that mixes its words at random: no case may fall over it


def garbage(rng: random.Random, depth: int = 0) -> Any:
    """A JSON value, often with the contract's own words in it."""
    words = (
        "error",
        "warning",
        "E_LIMIT",
        "O",
        "Xd",
        "active",
        "server1",
        "set1",
        "",
        "\ud83d\ude00",
        "x" * 99,
    )
    plain: tuple[Callable[[], Any], ...] = (
        lambda: rng.choice(words), lambda: rng.randint(-9, 1 << 40), lambda: None, lambda: rng.random() < 0.5,
        rng.random,
    )  # fmt: skip
    keys = (
        "accepted", "findings", "severity", "code", "servers", "groups", "mirror_sets", "status", "state", "memory_kib",
        "max_io_kib", "max_io_count", "events", "seq", "kind", "fields", "returncode", "stdout", "interval_s", "count",
    )  # fmt: skip
    if depth > 3 or rng.random() < 0.3:
        return rng.choice(plain)()
    if rng.random() < 0.3:
        return [garbage(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return {key: garbage(rng, depth + 1) for key in rng.sample(keys, rng.randint(0, len(keys)))}


class Garbled:
    """In place of a program: describes itself well, answers everything else with garbage."""

    seed = 0

    def __init__(self, argv: object, log: object) -> None:
        del argv, log
        self.rng = random.Random(self.seed)
        self.line = b""

    def send(self, line: bytes) -> None:
        request = json.loads(line)
        answer: dict[str, Any] = {"id": request["id"], "ok": True, "result": garbage(self.rng)}
        if request["verb"].startswith("probe-"):
            answer = {"id": request["id"], "ok": False, "error": {"kind": "unsupported"}}
        elif request["verb"] == "describe":
            tiers = {"static": "", "pair": ""}
            answer["result"] = {
                "contract": 0,
                "port": "p",
                "version": "1",
                "capabilities": [],
                "tiers": tiers,
            }
        elif self.rng.random() < 0.2:
            error = {"kind": self.rng.choice(["refused", "failed", "timeout", 7]), "code": garbage(self.rng)}
            answer = {"id": request["id"], "ok": False, "error": error}
        elif self.rng.random() < 0.1:
            answer = garbage(self.rng)
        self.line = json.dumps(answer).encode()
        well = request["verb"] == "describe" or request["verb"].startswith("probe-")
        if not well and self.rng.random() < 0.1:
            self.line = self.line[: self.rng.randint(0, len(self.line))]

    def receive(self, timeout_s: float) -> bytes:
        del timeout_s
        return self.line

    def close(self) -> None:
        """Nothing was started."""


@pytest.fixture
def garbled(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Adapter]:
    monkeypatch.setattr(suite_adapter, "LineProcess", Garbled)
    monkeypatch.setattr(Garbled, "seed", request.param)
    yield Adapter(["garbled"], Path("nowhere"))


def static_calls() -> Iterator[tuple[Callable[..., object], tuple[str, ...], dict[str, Any]]]:
    """Every static case, with the first set of its parameters."""
    for case in every_case():
        names = case.function.__code__.co_varnames[: case.function.__code__.co_argcount]
        if {"static", "inspect"} & set(names) and "pair" not in names:
            values: dict[str, Any] = {}
            for mark in getattr(case.function, "pytestmark", []):
                if mark.name == "parametrize":
                    keys = [mark.args[0]] if isinstance(mark.args[0], str) else list(mark.args[0])
                    first = next(iter(mark.args[1]))
                    values |= dict(zip(keys, first if len(keys) > 1 else [first], strict=True))
            yield case.function, case.clauses, values


@pytest.mark.parametrize("garbled", SEEDS, indirect=True)
def test_no_case_falls_over_garbage(garbled: Adapter) -> None:
    """Whatever the words are mixed to, a case ends with an error of the suite's own that says what was wrong."""
    known = registry.load_once()
    ended = 0
    for function, clauses, values in static_calls():
        judge = Judge(known, clauses)
        tools = {"static": Static(garbled, judge), "inspect": Inspect(garbled, judge), "judge": judge}
        needed = function.__code__.co_varnames[: function.__code__.co_argcount]
        try:
            function(**{name: tools[name] for name in tools if name in needed}, **values)
        except ConformanceError as error:
            ended += bool(str(error).strip())
    assert ended >= 100


@pytest.mark.parametrize("garbled", SEEDS, indirect=True)
def test_a_garbled_status_is_told_as_such(garbled: Adapter) -> None:
    """Status and events of a wrong shape are the adapter's fault, by name."""
    pair = Pair(garbled)
    broken = 0
    for observe in (pair.status, pair.events) * 40:
        try:
            observe()
        except ConformanceError as error:
            broken += isinstance(error, AdapterError)
    assert broken >= 40
