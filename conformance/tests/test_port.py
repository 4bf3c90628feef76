"""conformance.port: an adapter in Python is a class with the verbs as methods."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance import port
from conformance.suite import CONTRACT
from conformance.suite.adapter import Adapter
from conformance.suite.errors import Unsupported

CONTRACT_TEXT = (Path(__file__).resolve().parents[1] / "ADAPTER.md").read_text(encoding="utf-8")


class Small:
    """A port of a few verbs."""

    def estimate(self, what: str, **args: Any) -> dict[str, Any]:
        if what != "memory":
            raise port.Unsupported("no such estimate")
        return {"memory_kib": args.get("max_io_kib", 64)}

    def apply(self, config: dict[str, Any]) -> dict[str, Any]:
        raise port.Refused(f"{len(config)} entries", "E_LIMIT")

    def status(self, seen_by: str) -> None:
        if seen_by != "server1":
            raise port.TimedOut("silent")

    def _secret(self) -> None:
        """No verb."""


def said(verb: str, **args: Any) -> Any:
    """What Small is heard to say."""
    found = port.answer(Small(), json.dumps({"id": 7, "verb": verb, "args": args}))
    assert found["id"] == 7
    return found["result"] if found["ok"] else (found["error"]["kind"], found["error"]["code"])


def test_methods_are_verbs_and_arguments_are_arguments() -> None:
    """The result is the method's; one that returns nothing has an empty one."""
    assert said("estimate", what="memory", max_io_kib=128) == {"memory_kib": 128}
    assert said("status", seen_by="server1") == {}


@pytest.mark.parametrize(
    ("verb", "args", "kind", "code"),
    [
        ("estimate", {"what": "time"}, "unsupported", ""),
        ("apply", {"config": {}}, "refused", "E_LIMIT"),
        ("status", {"seen_by": "server2"}, "timeout", ""),
        ("apply", {}, "failed", ""),
        ("fly", {}, "unsupported", ""),
        ("_secret", {}, "unsupported", ""),
        ("__class__", {}, "unsupported", ""),
    ],
)
def test_each_way_to_fail_is_one_of_the_four_errors(
    verb: str, args: dict[str, Any], kind: str, code: str
) -> None:
    """What the port does not have is unsupported, what it refuses is refused, a fault of the adapter is `failed`."""
    assert said(verb, **args) == (kind, code)


def test_teardown_without_a_method_is_done() -> None:
    """There is nothing to take down."""
    assert said("teardown") == {}


@pytest.mark.parametrize("line", ["no JSON", "[]", "{}", "7", '{"id": 1}'])
def test_a_line_that_is_no_request_is_answered(line: str) -> None:
    """With id null, and the adapter goes on."""
    answers = io.StringIO()
    out = sys.stdout
    try:
        port.serve(Small(), io.StringIO(f"{line}\n\n" + '{"id": 2, "verb": "teardown"}\n'), answers)
    finally:
        sys.stdout = out
    first, second = (json.loads(each) for each in answers.getvalue().splitlines())
    assert (first["id"], first["error"]["code"]) == (None, "E_SYNTAX")
    assert second["ok"] is True


def test_the_protocols_have_the_verbs_of_the_contract() -> None:
    """Every verb of ADAPTER.md that is no capability is a method, and no other is; the contract's number is one."""
    verbs = {line.split("`")[1] for line in CONTRACT_TEXT.splitlines() if line.startswith("### `")}
    methods = {
        name for each in (port.StaticPort, port.PairPort) for name in vars(each) if not name.startswith("_")
    }
    assert methods == verbs - {
        "adjust_disk",
        "advise",
        "disk",
        "easy_scripts",
        "read",
        "registry",
        "replace",
        "service",
        "software",
    }
    assert port.CONTRACT == CONTRACT


def test_the_example_of_the_contract_is_an_adapter(tmp_path: Path) -> None:
    """The Python of ADAPTER.md, as it stands there, passes the probe and judges a configuration."""
    script = tmp_path / "mine.py"
    script.write_text(CONTRACT_TEXT.partition("```python\n")[2].partition("```")[0])
    root = Path(__file__).resolve().parents[2]
    adapter = Adapter(["env", f"PYTHONPATH={root}", sys.executable, str(script)], tmp_path / "log")
    try:
        assert adapter.validate({"groups": [{}] * 64})["accepted"]
        assert adapter.validate({"groups": [{}] * 65})["findings"][0]["code"] == "E_LIMIT"
        with pytest.raises(Unsupported):
            adapter.request("provision", {"disk_mib": 64, "disks": 1})
    finally:
        adapter.close()
