"""The suite's end of the contract in ADAPTER.md: one JSON object a line, one request at a time."""

import json
import secrets
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.suite import CONTRACT
from conformance.suite.errors import ANSWERS, AdapterError, NotRun, PortAnswer, Unsupported
from conformance.suite.hooks import Hooks
from conformance.suite.process import LineProcess
from conformance.suite.wait import PATIENCE

Answer = dict[str, Any]
Kind = type | tuple[type, ...]

# How long the suite waits for an answer. An adapter has time-outs of its own and answers `timeout` first.
ANSWER_S = 60.0
ANSWER_LONG_S = 300.0
# Verbs that prepare the world: when they fail, the case is broken and the port is not to blame.
INFRASTRUCTURE = frozenset(
    {"describe", "provision", "reset", "power", "link", "run", "job", "copies", "collect", "teardown"}
)
NUMBER = (int, float)
LONG = frozenset({"provision", "reset", "apply", "power", "operate", "collect", "teardown", "run"})


def shaped(what: str, answer: Any, **kinds: Kind) -> Answer:
    """The answer, when each of these fields is there and of its kind; AdapterError names the one that is not."""
    if not isinstance(answer, dict):
        raise AdapterError(f"{what}: must be an object: {answer!r:.200}")
    for key, kind in kinds.items():
        value = answer.get(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            words = " or ".join(each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,)))
            raise AdapterError(f"{what}: {key!r} must be a {words}: {value!r:.200}")
    return answer


def findings_of(what: str, answer: Answer) -> list[Answer]:
    """The findings of an answer, each with severity and code."""
    found = shaped(what, answer, findings=list)["findings"]
    return [shaped(f"{what}: a finding", finding, severity=str, code=str) for finding in found]


class Adapter:
    """A running adapter that has passed the probe."""

    def __init__(self, argv: Sequence[str], log: Path, hooks: Hooks | None = None) -> None:
        self.hooks = hooks or Hooks({})
        self._process = LineProcess(argv, log)
        self._last_id = 0
        try:
            self._probe()
            self.description = self._describe()
        except BaseException:
            self._process.close()
            raise

    @classmethod
    def start(cls, command: str, log: Path, hooks: Hooks | None = None) -> "Adapter":
        """Start the adapter from a command line; no shell reads it."""
        return cls(shlex.split(command), log, hooks)

    def request(self, verb: str, args: Answer | None = None, *, timeout_s: float | None = None) -> Answer:
        """Return the result of a verb; raise the port's answer, or AdapterError when there is none."""
        if self.hooks.takes(verb, args or {}):
            return self.hooks.request(verb, args or {})
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
        except (ValueError, RecursionError) as error:
            raise AdapterError(f"{verb}: the answer is no JSON: {line[:200]!r}") from error
        if not isinstance(answer, dict) or answer.get("id") != self._last_id:
            raise AdapterError(f"{verb}: asked with id {self._last_id}, answered {line[:200]!r}")
        return answer

    @staticmethod
    def _error(verb: str, answer: Answer) -> Exception:
        error = answer.get("error")
        known = isinstance(error, dict) and isinstance(error.get("kind"), str) and error["kind"] in ANSWERS
        if answer.get("ok") is not False or not known:
            return AdapterError(f"{verb}: neither a result nor one of the four errors: {answer!r}")
        error = dict(answer["error"])
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
        shaped("describe", description, port=str, version=str, capabilities=list, tiers=dict)
        optional: dict[str, Kind] = {"filesystem": str, "time_scale": NUMBER, "timing_s": dict}
        shaped("describe", description, **{key: kind for key, kind in optional.items() if key in description})
        shaped("describe: tiers", description["tiers"], **dict.fromkeys(description["tiers"], str))
        timing = description.get("timing_s", {})
        shaped("describe: timing_s", timing, **dict.fromkeys(timing, NUMBER))
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
        shaped("validate", answer, accepted=bool)
        findings = findings_of("validate", answer)
        errors = [finding for finding in findings if finding["severity"] == "error"]
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
            self.hooks.close()
            self._process.close()
