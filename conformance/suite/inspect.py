"""The port's judgement of disks, put before the judge."""

from conformance.suite.adapter import Adapter, Answer, findings_of
from conformance.suite.config import Config
from conformance.suite.judge import Judge
from conformance.suite.static import errors_of, line_of


class Inspect:
    """Shows disks to the port, as data; the adapter makes an image of each, or asks the port otherwise."""

    def __init__(self, adapter: Adapter, judge: Judge) -> None:
        self.adapter = adapter
        self.judge = judge

    def _ask(self, disk: Config, other: Config | None = None) -> Answer:
        beside = {} if other is None else {"other": other}
        answer = self.adapter.request("inspect_disk", {"disk": disk, **beside})
        findings_of("inspect_disk", answer)
        return answer

    def accepts(self, clause_id: str, fact: str, disk: Config, other: Config | None = None) -> None:
        """The disk may become one side of a mirror set, with the other one as the other side."""
        answer = self._ask(disk, other)
        self.judge.equal(clause_id, f"accepted: {fact}", expected=[], observed=errors_of(answer))

    def refuses(
        self, clause_id: str, fact: str, disk: Config, *codes: str, other: Config | None = None
    ) -> None:
        """The disk is refused with one of these classes of error."""
        answer = self._ask(disk, other)
        found = {finding.get("code") for finding in answer["findings"] if finding.get("severity") == "error"}
        fact = f"refused with {' or '.join(codes)}: {fact}"
        self.judge.holds(clause_id, fact, bool(found & set(codes)), errors_of(answer) or "accepted")

    def remarks(
        self, clause_id: str, fact: str, disk: Config, *codes: str, other: Config | None = None
    ) -> None:
        """There is a finding of one of these classes, whether a warning or an error."""
        answer = self._ask(disk, other)
        found = {finding.get("code") for finding in answer["findings"]}
        fact = f"{' or '.join(codes)}: {fact}"
        self.judge.holds(
            clause_id, fact, bool(found & set(codes)), [line_of(each) for each in answer["findings"]]
        )

    def is_silent(
        self, clause_id: str, fact: str, disk: Config, code: str, other: Config | None = None
    ) -> None:
        """There is no finding of this class."""
        answer = self._ask(disk, other)
        lines = [line_of(each) for each in answer["findings"] if each.get("code") == code]
        self.judge.equal(clause_id, f"no {code}: {fact}", expected=[], observed=lines)
