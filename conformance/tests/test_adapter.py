"""The suite's end of the contract: what an adapter may not do."""

import sys
from pathlib import Path

import pytest

from conformance.suite.adapter import Adapter
from conformance.suite.errors import AdapterError, NotRun, Refused, Unsupported

# A small adapter in the making: BODY decides about each request, after the usual verbs.
FAKE = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    number, verb, args = request["id"], request["verb"], request["args"]
    def result(value): print(json.dumps({"id": number, "ok": True, "result": value}), flush=True)
    def error(kind, code=""):
        said = {"kind": kind, "code": code, "message": "m"}
        print(json.dumps({"id": number, "ok": False, "error": said}), flush=True)
    described = {"contract": 0, "port": "fake", "version": "1", "capabilities": ["x"],
                 "tiers": {"static": "", "pair": "no root"}}
    BODY
    if verb == "describe": result(described)
    elif verb == "teardown": result({})
    elif verb == "validate": result({"accepted": True, "findings": []})
    elif verb == "operate": error("refused", "E_STATE")
    elif verb == "power": error("failed")
    else: error("unsupported")
"""


def fake(tmp_path: Path, body: str = "pass") -> Adapter:
    script = tmp_path / "fake.py"
    script.write_text(FAKE.replace("BODY", body))
    return Adapter([sys.executable, str(script)], tmp_path / "log" / "adapter.log")


def test_a_good_adapter_passes_the_probe(tmp_path: Path) -> None:
    """It is started, probed and described; results and the port's refusals come through."""
    adapter = fake(tmp_path)
    try:
        assert adapter.description["port"] == "fake"
        assert adapter.validate({}) == {"accepted": True, "findings": []}
        with pytest.raises(Refused) as refused:
            adapter.request("operate")
        assert refused.value.code == "E_STATE"
        with pytest.raises(Unsupported):
            adapter.request("fly")
    finally:
        adapter.close()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("if verb.startswith('probe-'): result({}); continue", "unknown verb"),
        ("if verb.startswith('probe-'): error('refused'); continue", "unknown verb"),
        ("if verb.startswith('probe-'): error('maybe'); continue", "four errors"),
        ("if verb.startswith('probe-'): print('{}', flush=True); continue", "asked with id"),
        ("if verb.startswith('probe-'): print('hello', flush=True); continue", "no JSON"),
        ("if verb.startswith('probe-'): sys.exit(3)", "exit status 3"),
        ("described['contract'] = 7", "contract 7"),
        ("described['tiers'] = []", "'tiers' must be a dict"),
        ("del described['port']", "'port' must be a str"),
    ],
)
def test_an_adapter_that_breaks_the_contract(tmp_path: Path, body: str, message: str) -> None:
    """Whatever an adapter says in place of the contract's words, the run ends there and says why."""
    with pytest.raises(AdapterError, match=message):
        fake(tmp_path, body)


def test_a_silent_adapter_is_not_waited_for_endlessly(tmp_path: Path) -> None:
    """Each request has a deadline."""
    adapter = fake(tmp_path, "if verb == 'validate': continue")
    try:
        with pytest.raises(AdapterError, match="silent"):
            adapter.request("validate", {}, timeout_s=0.2)
    finally:
        adapter.close()


def test_an_adapter_that_cannot_be_started(tmp_path: Path) -> None:
    """A wrong command line is reported as such."""
    with pytest.raises(AdapterError, match="cannot start"):
        Adapter([str(tmp_path / "nowhere")], tmp_path / "adapter.log")


def test_a_failing_infrastructure_is_not_the_ports_fault(tmp_path: Path) -> None:
    """`failed` of a verb that only prepares the world breaks the case instead of failing it."""
    adapter = fake(tmp_path)
    try:
        with pytest.raises(AdapterError):
            adapter.request("power", {"server": "server1", "action": "cut"})
    finally:
        adapter.close()


def test_tiers_and_capabilities(tmp_path: Path) -> None:
    """A tier that cannot run here is not run, one that does not exist is unsupported; so are capabilities."""
    adapter = fake(tmp_path)
    try:
        adapter.require_tier("static")
        adapter.require("x")
        with pytest.raises(NotRun, match="no root"):
            adapter.require_tier("pair")
        with pytest.raises(Unsupported):
            adapter.require_tier("measured")
        with pytest.raises(Unsupported):
            adapter.require("y")
    finally:
        adapter.close()


@pytest.mark.parametrize(
    "answer",
    [
        "{'accepted': False, 'findings': []}",
        "{'accepted': True, 'findings': [{'severity': 'error', 'code': 'E_DUP'}]}",
        "{'accepted': 'yes', 'findings': []}",
        "{'findings': []}",
        "{'accepted': True}",
    ],
)
def test_a_validation_that_contradicts_itself(tmp_path: Path, answer: str) -> None:
    """`accepted` and the findings say the same, or the adapter is broken."""
    adapter = fake(tmp_path, f"if verb == 'validate': result({answer}); continue")
    try:
        with pytest.raises(AdapterError):
            adapter.validate({})
    finally:
        adapter.close()
