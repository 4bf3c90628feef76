"""What a server's own programs say, however the lab reaches them: status, events, the operator's command."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import CommandFailed, LabError
from harness.run import Result

EVENTS = "/var/lib/twinset/events.jsonl"


class Job(ABC):
    """A program in the background on a host."""

    @abstractmethod
    def output(self) -> str:
        """All that it has printed."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """True once it has gone."""

    @abstractmethod
    def stop(self) -> None:
        """End it and what it started."""


class Asking(ABC):
    """A server that can be asked; the lab says how."""

    name: str

    @property
    @abstractmethod
    def powered(self) -> bool:
        """True while the machine runs (also when paused)."""

    @abstractmethod
    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        timeout_s: float = 60.0,
        input_text: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a command on this machine to its end."""

    @abstractmethod
    def start_job(self, argv: Sequence[str]) -> Job:
        """Start a command in the background."""

    @abstractmethod
    def api(self, verb: str, timeout_s: float = 20.0, **arguments: Any) -> Any:
        """Ask twinsetd directly, without the operator's command in between."""

    @abstractmethod
    def mirror(self, verb: str, set_name: str = "set1", timeout_s: float = 20.0, **arguments: Any) -> Any:
        """Ask the set's mirror process directly."""

    @abstractmethod
    def daemon_answers(self) -> bool:
        """True once twinsetd accepts connections."""

    @abstractmethod
    def write_file(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file below the server's /etc/twinset or /var/lib/twinset."""

    @abstractmethod
    def read_file(self, path: str) -> str | None:
        """The text of such a file, also without power; None when there is none."""

    @abstractmethod
    def names_in(self, path: str) -> list[str]:
        """The names in a directory below them; none when it is not there."""

    @abstractmethod
    def pause(self) -> None:
        """Stop the machine as a hypervisor would; its disk goes on."""

    @abstractmethod
    def resume(self) -> None:
        """Let it continue."""

    def twinset_result(self, *words: str, timeout_s: float = 120.0) -> Result:
        """Run the operator's command with --json and return what it left, refusals included."""
        return self.run(["twinset", *words, "--json"], check=False, timeout_s=timeout_s)

    def twinset(self, *words: str, timeout_s: float = 120.0) -> Any:
        """Run the operator's command, which has to succeed, and return its parsed answer."""
        result = self.twinset_result(*words, timeout_s=timeout_s).require()
        try:
            return json.loads(result.stdout) if result.stdout.strip() else {}
        except ValueError as error:
            raise CommandFailed(
                f"twinset {' '.join(words)} printed no JSON: {result.stdout[:500]!r}"
            ) from error

    def status(self) -> dict[str, Any] | None:
        """``cluster status``, or None while the daemon cannot be asked: for use in predicates."""
        if not self.powered:
            return None
        try:
            answer = self.api("cluster.status", timeout_s=10)
        except (CommandFailed, LabError):
            return None
        return answer if isinstance(answer, dict) else None

    def mirror_status(self, set_name: str = "set1") -> dict[str, Any] | None:
        """The mirror process's own status; None while it cannot be asked."""
        try:
            answer = self.mirror("status", set_name, timeout_s=5)
        except (CommandFailed, LabError):
            return None
        return answer if isinstance(answer, dict) else None

    def status_of_set(self, set_name: str) -> dict[str, Any]:
        """One mirror set of ``cluster status``; empty while it cannot be asked."""
        sets = (self.status() or {}).get("mirror_sets", {})
        found = sets.get(set_name, {})
        return found if isinstance(found, dict) else {}

    def events(self) -> list[dict[str, Any]]:
        """The server's event log, readable also while it has no power; a torn last line is left out."""
        found = []
        for line in (self.read_file(EVENTS) or "").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found
