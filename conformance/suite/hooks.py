"""Commands of a porting team in the place of verbs: for ports on remote hosts, and faults that an adapter cannot make.

A file names them (`--hooks FILE`); ADAPTER.md has the contract. What is hooked is never asked of the adapter.
"""

import itertools
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.suite.errors import AdapterError, ConformanceError, Unsupported
from conformance.suite.process import Job, run_command

Args = dict[str, Any]

# Verb -> the words that its command may contain in braces.
HOOKABLE: Mapping[str, tuple[str, ...]] = {
    "run": ("host",),
    "power": ("server", "action"),
    "link": ("network", "server", "action"),
    "pause": ("server", "action"),
    "replace": ("server", "what"),
    "collect": ("dir",),
}
EXIT_UNSUPPORTED = 3
HOOK_S = 300.0


class Hooks:
    """The commands by verb. A background command runs here, as a child of the suite, until its job is stopped."""

    def __init__(self, commands: Mapping[str, Sequence[str]]) -> None:
        self.commands = {verb: tuple(argv) for verb, argv in commands.items()}
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)

    def takes(self, verb: str, args: Args) -> bool:
        """Whether the request is for a hook: the verb has one, or it is about a job that a hook started."""
        return verb in self.commands or (verb == "job" and args.get("job") in self._jobs)

    def request(self, verb: str, args: Args) -> Args:
        """Carry a verb out; Unsupported when the command says so, AdapterError when it does not succeed."""
        return self._table().get(verb, self._fault)(verb, args)

    def _table(self) -> dict[str, Callable[[str, Args], Args]]:
        return {"run": self._run, "job": self._job}

    def _argv(self, verb: str, args: Args) -> list[str]:
        words = {key: str(args.get(key, "")) for key in HOOKABLE[verb]}
        return [word.format_map(words) for word in self.commands[verb]]

    def _fault(self, verb: str, args: Args) -> Args:
        """A fault, or an errand: done when the command exits with 0, not to be had with 3."""
        code, out, err = run_command(self._argv(verb, args), HOOK_S)
        if code == EXIT_UNSUPPORTED:
            raise Unsupported(verb, "", f"the hook cannot do that: {err.strip() or out.strip()}")
        if code:
            raise AdapterError(f"{verb}: the hook ended with {code}: {err.strip() or out.strip()}")
        return {}

    def _run(self, verb: str, args: Args) -> Args:
        """A command on a host: its own exit status is the answer, whatever it is."""
        argv = [*self._argv(verb, args), *map(str, args["argv"])]
        if not args.get("background"):
            code, out, err = run_command(argv, float(args.get("timeout_s", 30)))
            return {"returncode": code, "stdout": out, "stderr": err}
        name = f"hook{next(self._numbers)}"
        self._jobs[name] = Job(argv, Path(tempfile.mkdtemp(prefix="conformance-")) / "out")
        return {"job": name}

    def _job(self, _verb: str, args: Args) -> Args:
        job = self._jobs[args["job"]]
        if args.get("action") != "stop":
            return {"stdout": job.text()}
        del self._jobs[args["job"]]
        return {"stdout": job.end()}

    def close(self) -> None:
        """End what still runs in the background."""
        while self._jobs:
            self._jobs.popitem()[1].end()


def load(path: Path | None) -> Hooks:
    """Read a file of hooks; ConformanceError for verbs that cannot be hooked and words that do not exist."""
    if path is None:
        return Hooks({})
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("hooks", {})
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConformanceError(f"{path}: {error}") from error
    for verb, argv in found.items():
        if verb not in HOOKABLE:
            raise ConformanceError(f"{path}: {verb!r} cannot be hooked; these can: {', '.join(HOOKABLE)}")
        if not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv):
            raise ConformanceError(f"{path}: {verb}: a command is a list of words: {argv!r}")
        try:
            [word.format_map(dict.fromkeys(HOOKABLE[verb], "")) for word in argv]
        except (KeyError, ValueError, IndexError) as error:
            known = ", ".join(f"{{{word}}}" for word in HOOKABLE[verb])
            raise ConformanceError(f"{path}: {verb}: {error}; known here: {known}") from error
    return Hooks(found)
