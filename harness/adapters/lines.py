"""The frame of an adapter: one JSON object a line, a table of verbs, the four errors of the contract."""

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import IO, Any

from harness.errors import CommandFailed, HarnessError, WaitTimeout
from harness.wait import now_s

Args = dict[str, Any]
LOG_CHARACTERS_MAX = 300
Verb = Callable[[Args], dict[str, Any]]

UNSUPPORTED, REFUSED, FAILED, TIMEOUT = "unsupported", "refused", "failed", "timeout"


class Answer(HarnessError):  # noqa: N818 - an answer that is not a result
    """One of the four errors that an adapter may answer with."""

    def __init__(self, kind: str, message: str, code: str = "") -> None:
        super().__init__(message)
        self.kind, self.message, self.code = kind, message, code

    def as_json(self) -> dict[str, str]:
        """The error as it goes over the line."""
        return {"kind": self.kind, "code": self.code, "message": self.message}


def needed(args: Args, name: str, kind: type = str) -> Any:
    """An argument that the verb cannot do without."""
    value = args.get(name)
    if not isinstance(value, kind):
        raise Answer(FAILED, f"argument {name!r} must be a {kind.__name__}, not {value!r}", "E_SYNTAX")
    return value


def answer(line: bytes, verbs: Mapping[str, Verb]) -> dict[str, Any]:
    """What a line is answered with; whatever the line is, there is an answer."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as malformed:
        return _error(None, FAILED, f"the line is no JSON: {malformed}", "E_SYNTAX")
    if not isinstance(message, dict):
        return _error(None, FAILED, "the line is no JSON object", "E_SYNTAX")
    number = message.get("id")
    try:
        return {"id": number, "ok": True, "result": _called(message, verbs)}
    except Answer as said:
        return {"id": number, "ok": False, "error": said.as_json()}
    except WaitTimeout as late:
        return _error(number, TIMEOUT, late)
    except CommandFailed as failed:
        return _error(number, FAILED, failed)
    except Exception as error:  # noqa: BLE001 - the suite gets an answer, the person reads the log
        traceback.print_exc(file=sys.stderr)
        return _error(number, FAILED, f"{type(error).__name__}: {error}")


def _called(message: Args, verbs: Mapping[str, Verb]) -> dict[str, Any]:
    verb, args = message.get("verb"), message.get("args", {})
    if not isinstance(verb, str) or not isinstance(args, dict):
        raise Answer(FAILED, "verb must be a string and args an object", "E_SYNTAX")
    if verb not in verbs:
        raise Answer(UNSUPPORTED, f"no verb {verb!r} here")
    return verbs[verb](args)


def _error(number: Any, kind: str, error: object, code: str = "") -> dict[str, Any]:
    return {"id": number, "ok": False, "error": {"kind": kind, "code": code, "message": str(error)}}


def serve(verbs: Mapping[str, Verb], requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer line after line until the input ends."""
    for line in requests:
        if line.strip():
            begun = now_s()
            said = answer(line, verbs)
            answers.write(json.dumps(said, ensure_ascii=False).encode() + b"\n")
            answers.flush()
            _log(line, said, now_s() - begun)


def _log(line: bytes, said: dict[str, Any], took_s: float) -> None:
    """One line for the person who reads the adapter's log: what was asked, how it ended, how long it took."""
    end = "ok" if said["ok"] else f"{said['error']['kind']}: {said['error']['message']}"
    asked = line.decode(errors="replace").strip()
    text = f"{now_s():12.3f} {took_s:8.3f} s  {asked[:LOG_CHARACTERS_MAX]}  {end}"
    print(text, file=sys.stderr, flush=True)
