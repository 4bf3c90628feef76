"""The suite's end of the contract in ADAPTER.md: one JSON object a line, one request at a time."""

import json
import secrets
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.suite import CONTRACT
from conformance.suite.errors import ANSWERS, AdapterError, NotRun, PortAnswer, Unsupported
from conformance.suite.process import LineProcess
from conformance.suite.wait import PATIENCE

Answer = dict[str, Any]

# How long the suite waits for an answer. An adapter has time-outs of its own and answers `timeout` first.
ANSWER_S = 60.0
ANSWER_LONG_S = 300.0
# Verbs that prepare the world: when they fail, the case is broken and the port is not to blame.
INFRASTRUCTURE = frozenset(
    {"describe", "provision", "reset", "power", "link", "run", "job", "copies", "collect", "teardown"}
)
LONG = frozenset({"provision", "reset", "apply", "power", "operate", "collect", "teardown", "run"})


class Adapter:
    """A running adapter that has passed the probe."""

    def __init__(self, argv: Sequence[str], log: Path) -> None:
        self._process = LineProcess(argv, log)
        self._last_id = 0
        try:
            self._probe()
            self.description = self._describe()
        except BaseException:
            self._process.close()
            raise

    @classmethod
    def start(cls, command: str, log: Path) -> "Adapter":
        """Start the adapter from a command line; no shell reads it."""
        return cls(shlex.split(command), log)

    def request(self, verb: str, args: Answer | None = None, *, timeout_s: float | None = None) -> Answer:
        """Return the result of a verb; raise the port's answer, or AdapterError when there is none."""
        self._last_id += 1
        message = {"id": self._last_id, "verb": verb, "args": args or {}}
        self._process.send(json.dumps(message, ensure_ascii=False).encode())
        answer = self._answer(verb, timeout_s or (ANSWER_LONG_S if verb in LONG else ANSWER_S))
        if answer.get("ok") is True:
            result = answer.get("result", {})
            if not isinstance(result, dict):
                raise AdapterError(f"{verb}: the result is no object: {result!r}")
            return result
        raise self._error(verb, answer)

    def _answer(self, verb: str, timeout_s: float) -> Answer:
        line = self._process.receive(timeout_s * PATIENCE)
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise AdapterError(f"{verb}: the answer is no JSON: {line[:200]!r}") from error
        if not isinstance(answer, dict) or answer.get("id") != self._last_id:
            raise AdapterError(f"{verb}: asked with id {self._last_id}, answered {line[:200]!r}")
        return answer

    @staticmethod
    def _error(verb: str, answer: Answer) -> Exception:
        error = answer.get("error")
        if answer.get("ok") is not False or not isinstance(error, dict) or error.get("kind") not in ANSWERS:
            return AdapterError(f"{verb}: neither a result nor one of the four errors: {answer!r}")
        kind: type[PortAnswer] = ANSWERS[error["kind"]]
        said = kind(verb, str(error.get("code", "")), str(error.get("message", "")))
        if verb in INFRASTRUCTURE and not isinstance(said, Unsupported):
            return AdapterError(str(said))
        return said

    def _probe(self) -> None:
        """An adapter that says yes to anything proves nothing: an invented verb must be unsupported."""
        verb = f"probe-{secrets.token_hex(8)}"
        try:
            result = self.request(verb)
        except Unsupported:
            return
        except PortAnswer as other:
            raise AdapterError(f"an unknown verb must be answered `unsupported`, not: {other}") from other
        raise AdapterError(f"an unknown verb must be answered `unsupported`, not with a result: {result!r}")

    def _describe(self) -> Answer:
        description = self.request("describe")
        if description.get("contract") != CONTRACT:
            raise AdapterError(
                f"describe: contract {description.get('contract')!r}; this suite speaks {CONTRACT}"
            )
        for key, kind in (("port", str), ("version", str), ("capabilities", list), ("tiers", dict)):
            if not isinstance(description.get(key), kind):
                raise AdapterError(f"describe: {key!r} must be a {kind.__name__}: {description.get(key)!r}")
        return description

    # -- what it says about itself

    @property
    def time_scale(self) -> float:
        """By how much every duration of the port is multiplied here."""
        return float(self.description.get("time_scale", 1.0))

    def timing_s(self, name: str, default_s: float) -> float:
        """A duration of the port in real seconds: the stated one, scaled."""
        return float(self.description.get("timing_s", {}).get(name, default_s)) * self.time_scale

    def require_tier(self, tier: str) -> None:
        """Raise unless the adapter can serve the tier here."""
        reason = self.description["tiers"].get(tier)
        if reason is None:
            raise Unsupported("describe", tier, f"the adapter does not offer the {tier} tier")
        if reason:
            raise NotRun(f"{tier} tier: {reason}")

    def require(self, capability: str) -> None:
        """Raise unless the adapter declares the capability."""
        if capability not in self.description["capabilities"]:
            raise Unsupported("describe", capability, f"the adapter does not declare {capability!r}")

    # -- the static tier

    def validate(self, config: Answer) -> Answer:
        """The findings about a configuration, checked for shape."""
        answer = self.request("validate", {"config": config})
        findings = answer.get("findings")
        if not isinstance(answer.get("accepted"), bool) or not isinstance(findings, list):
            raise AdapterError(f"validate: needs accepted and findings: {answer!r}")
        errors = [finding for finding in findings if finding.get("severity") == "error"]
        if answer["accepted"] == bool(errors):
            raise AdapterError(
                f"validate: accepted={answer['accepted']} contradicts the findings {findings!r}"
            )
        return answer

    def close(self) -> None:
        """Tear everything down and end the adapter."""
        try:
            self.request("teardown")
        except (Unsupported, AdapterError):
            pass
        finally:
            self._process.close()
