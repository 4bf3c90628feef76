"""The words in which cases of the static tier speak: the port accepts, or refuses with a class of error."""

from conformance.suite.adapter import Adapter, Answer
from conformance.suite.config import Config
from conformance.suite.errors import AdapterError, Refused
from conformance.suite.judge import Judge

# What a port cannot say in its configuration at all cannot be wrong in it; the report shows these apart.
INEXPRESSIBLE = "E_INEXPRESSIBLE"


def errors_of(answer: Answer) -> list[str]:
    """The findings of severity error, one readable line each."""
    return [line_of(finding) for finding in answer["findings"] if finding.get("severity") == "error"]


def line_of(finding: Answer) -> str:
    """A finding as one readable line."""
    return f"{finding.get('code')} at {finding.get('path', '?')}: {finding.get('message', '')}"


class Static:
    """The port's judgement of configurations, put before the judge."""

    def __init__(self, adapter: Adapter, judge: Judge) -> None:
        self.adapter = adapter
        self.judge = judge

    def accepts(self, clause_id: str, fact: str, config: Config) -> None:
        """The configuration has no finding of severity error."""
        errors = errors_of(self.adapter.validate(config))
        self.judge.equal(clause_id, f"accepted: {fact}", expected=[], observed=errors)

    def refuses(self, clause_id: str, fact: str, config: Config, *codes: str) -> None:
        """The configuration has an error of one of these classes."""
        fact = f"refused with {' or '.join(codes)}: {fact}"
        try:
            answer = self.adapter.validate(config)
        except Refused as refusal:
            if refusal.code != INEXPRESSIBLE:
                raise
            self.judge.holds(clause_id, fact, True, f"inexpressible: {refusal.message}")
            return
        found = {finding.get("code") for finding in answer["findings"] if finding.get("severity") == "error"}
        self.judge.holds(clause_id, fact, bool(found & set(codes)), errors_of(answer) or "accepted")

    def warns(self, clause_id: str, fact: str, config: Config, code: str) -> None:
        """The configuration is accepted, with this warning."""
        answer = self.adapter.validate(config)
        found = [finding.get("code") for finding in answer["findings"]]
        holds = bool(answer["accepted"]) and code in found
        self.judge.holds(
            clause_id, f"accepted with {code}: {fact}", holds, [line_of(f) for f in answer["findings"]]
        )

    def is_silent(self, clause_id: str, fact: str, config: Config, code: str) -> None:
        """The configuration is accepted, without this warning."""
        answer = self.adapter.validate(config)
        lines = [line_of(f) for f in answer["findings"] if f.get("code") == code]
        self.judge.equal(clause_id, f"accepted: {fact}", expected=[], observed=errors_of(answer))
        self.judge.equal(clause_id, f"no {code}: {fact}", expected=[], observed=lines)

    def estimate(self, what: str, *numbers: str, **args: object) -> Answer:
        """The port's estimate of something, which has to hold these numbers."""
        answer = self.adapter.request("estimate", {"what": what, **args})
        if any(not isinstance(answer.get(key), int | float) for key in numbers):
            raise AdapterError(f"estimate: {what} needs the numbers {', '.join(numbers)}: {answer!r}")
        return answer

    def cluster_memory_kib(self, config: Config) -> int:
        """The port's estimate of the memory that all mirror sets of a configuration need on a server."""
        return int(self.estimate("cluster_memory", "memory_kib", config=config)["memory_kib"])

    def memory_kib(self, **options: int) -> Answer:
        """The port's estimate of the memory of one mirror set, with the options it was made for."""
        return self.estimate("memory", "memory_kib", "max_io_kib", "max_io_count", **options)
