"""What can end a case before its verdict, and what each end is counted as.

ConformanceError
├── AdapterError      the adapter broke the contract: died, no JSON, wrong id, silent          broken
├── CaseError         a case of the suite is written wrongly                                   broken
├── RegistryError     the registry of clauses contradicts itself                               broken
├── ReportError       a report cannot be read, or not be compared with another one             (no case)
├── PortAnswer        the adapter answered with one of the four errors of the contract
│   ├── Unsupported   the port does not have it                                                unsupported
│   ├── Refused       the port refused: its state or the input forbids it                      fail
│   ├── Failed        the port tried and did not succeed                                       fail
│   └── TimedOut      the port did not finish in time                                          fail
├── WaitTimeout       an awaited fact about the port did not come true                         fail
├── ClauseFailed      the judge compared, and observed something else than the clause says     fail
└── NotRun            the environment lacks what the case needs                                not run
"""


class ConformanceError(Exception):
    """Root of everything the suite raises."""


class AdapterError(ConformanceError):
    """The adapter broke the contract."""


class CaseError(ConformanceError):
    """A case of the suite is written wrongly."""


class RegistryError(ConformanceError):
    """The registry of clauses contradicts itself."""


class ReportError(ConformanceError):
    """A report cannot be read, or not be compared with another one."""


class PortAnswer(ConformanceError):  # noqa: N818 - an answer of the port; whether it is an error, the case decides
    """One of the four errors an adapter may answer with."""

    kind = ""

    def __init__(self, verb: str, code: str, message: str) -> None:
        super().__init__(f"{verb}: {self.kind}: {message}" + (f" [{code}]" if code else ""))
        self.verb, self.code, self.message = verb, code, message


class Unsupported(PortAnswer):
    """The port does not have it."""

    kind = "unsupported"


class Refused(PortAnswer):
    """The port refused: its state or the input forbids it."""

    kind = "refused"


class Failed(PortAnswer):
    """The port tried and did not succeed."""

    kind = "failed"


class TimedOut(PortAnswer):
    """The port did not finish in time."""

    kind = "timeout"


class WaitTimeout(ConformanceError):  # noqa: N818 - says what happened, not that something is wrong
    """An awaited fact about the port did not come true."""


class ClauseFailed(ConformanceError):  # noqa: N818 - a verdict
    """The judge observed something else than the clause says."""


class NotRun(ConformanceError):  # noqa: N818 - an outcome, not an error of anyone
    """The environment lacks what the case needs."""


ANSWERS: dict[str, type[PortAnswer]] = {cls.kind: cls for cls in (Unsupported, Refused, Failed, TimedOut)}
