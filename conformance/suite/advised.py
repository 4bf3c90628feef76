"""The port's check of a whole installation: servers that a case describes, or the provisioned ones as they are."""

import copy
from typing import Any

from conformance.suite.adapter import Adapter, Answer, findings_of, shaped
from conformance.suite.config import SERVERS, Config
from conformance.suite.errors import AdapterError
from conformance.suite.judge import Judge
from conformance.suite.static import errors_of, line_of

Facts = dict[str, Any]
_FINE: Facts = {
    "model": "A", "memory_mib": 4096, "processors": 4, "listening": ["udp/161"], "accounts": {},
    "name_servers": [],
}  # fmt: skip


def servers(config: Config, **changes: Facts) -> dict[str, Facts]:
    """Two servers with nothing to advise against; what differs from that is said by server."""
    fast = {network["name"]: {"speed_mbps": 1000} for network in config["networks"]}
    fine = {**_FINE, "interfaces": fast}
    return {name: copy.deepcopy({**fine, **changes.get(name, {})}) for name in SERVERS}


def at_speed(config: Config, network: str, speed_mbps: int | None) -> dict[str, Facts]:
    """The same with a slower adapter in a network of server 1; None: nobody knows how fast it is."""
    found = servers(config)
    found["server1"]["interfaces"][network]["speed_mbps"] = speed_mbps
    return found


def advice(adapter: Adapter, **asked: object) -> list[Answer]:
    """The findings of the port's check list; each may name its server."""
    answer = adapter.request("advise", asked)
    shaped("advise", answer, accepted=bool)
    found = findings_of("advise", answer)
    if answer["accepted"] == any(each["severity"] == "error" for each in found):
        raise AdapterError(f"advise: accepted={answer['accepted']} contradicts the findings {found!r}")
    return found


class Advised:
    """Shows servers to the port, as facts."""

    def __init__(self, adapter: Adapter, judge: Judge) -> None:
        self.adapter = adapter
        self.judge = judge

    def _ask(self, config: Config, described: dict[str, Facts]) -> list[Answer]:
        return advice(self.adapter, config=config, servers=described)

    def accepts(self, clause_id: str, fact: str, config: Config, described: dict[str, Facts]) -> None:
        """There is no finding of severity error; advice there may be."""
        errors = errors_of({"findings": self._ask(config, described)})
        self.judge.equal(clause_id, f"accepted: {fact}", expected=[], observed=errors)

    def refuses(
        self, clause_id: str, fact: str, config: Config, described: dict[str, Facts], code: str
    ) -> None:
        """There is an error of this class."""
        errors = [each for each in self._ask(config, described) if each["severity"] == "error"]
        found = [line_of(each) for each in errors]
        holds = any(each["code"] == code for each in errors)
        self.judge.holds(clause_id, f"refused with {code}: {fact}", holds, found or "accepted")

    def warns(
        self, clause_id: str, fact: str, config: Config, described: dict[str, Facts], code: str
    ) -> None:
        """There is a finding of this class."""
        found = self._ask(config, described)
        holds = any(each["code"] == code for each in found)
        self.judge.holds(clause_id, f"{code}: {fact}", holds, [line_of(each) for each in found])

    def is_silent(
        self, clause_id: str, fact: str, config: Config, described: dict[str, Facts], code: str
    ) -> None:
        """There is no finding of this class."""
        lines = [line_of(each) for each in self._ask(config, described) if each["code"] == code]
        self.judge.equal(clause_id, f"no {code}: {fact}", expected=[], observed=lines)
