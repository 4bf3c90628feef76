"""Everything that twinset raises itself, as one tree.

TwinsetError
├── ConfigError         a configuration that breaks rules; carries every finding at once
├── Refusal             an operator's request that the present state forbids; carries what would help
├── UsageError          words of a script command that break its syntax; carries the clause
├── ProtocolError       bytes from the other server or a client that break the protocol
│   └── VersionsApart   the other side's program speaks no version that this one does
├── DiskError           a disk that refused, failed or holds something else than it should
├── StepFailed          a step of starting or stopping a resource that did not succeed
└── DaemonUnreachable   nobody answers on the daemon's socket

A bug of ours is none of these: it stays an AssertionError, TypeError, ... and is logged with its traceback.
"""

from collections.abc import Iterable
from typing import Protocol


class FindingLike(Protocol):
    """What ConfigError needs to know of a finding; the type itself is twinset.finding.Finding."""

    @property
    def severity(self) -> str:
        """Either error or warning."""

    @property
    def code(self) -> str:
        """The class of the rule that was broken, such as E_LENGTH."""

    @property
    def message(self) -> str:
        """One line: path, value, limit and clause."""


class TwinsetError(Exception):
    """Root of everything that twinset raises itself."""


class ConfigError(TwinsetError):
    """A configuration that breaks rules. Nothing of it was applied."""

    def __init__(self, findings: Iterable[FindingLike]) -> None:
        self.findings = tuple(findings)
        if not self.findings:
            raise ValueError("a ConfigError without a finding helps nobody")
        super().__init__("\n".join(finding.message for finding in self.findings))


class Refusal(TwinsetError):  # noqa: N818 - named for the fact, as operators read it
    """A request that the present state forbids.

    `message` says what was refused and which state forbids it, `clause` where the guide says so, and `help`
    the command that would help.
    """

    def __init__(self, code: str, message: str, clause: str = "", help: str = "") -> None:  # noqa: A002
        message = message.strip()
        if not message or message.endswith(":"):  # a reason that came from elsewhere and was empty
            message = f"{message} no reason was given; the event log may have it".strip()
        self.code = code
        self.message = message
        self.clause = clause
        self.help = help
        super().__init__(f"{message} [{clause}]" if clause else message)

    def as_json(self) -> dict[str, str]:
        """Return the error object of the daemon's answer."""
        return {"code": self.code, "message": self.message, "clause": self.clause, "help": self.help}


class UsageError(TwinsetError):
    """Words that a command does not take. `clause` says where the guide speaks of the command or option."""

    def __init__(self, message: str, clause: str = "") -> None:
        self.message = message
        self.clause = clause
        super().__init__(f"{message} [{clause}]" if clause else message)


class ProtocolError(TwinsetError):
    """Bytes from the other server or from a client that break the protocol; the connection ends."""


class VersionsApart(ProtocolError):  # noqa: N818 - named for the fact
    """The other side's program and this one have no version of a protocol in common; the text names both."""


class DiskError(TwinsetError):
    """A disk that refused, failed or holds something else than it should."""


class StepFailed(TwinsetError):  # noqa: N818 - named for the fact
    """A step of starting or stopping a resource did not succeed; its text is the reason shown."""

    def __init__(self, message: str, code: str = "E_STATE") -> None:
        self.code = code
        super().__init__(message)


class DaemonUnreachable(TwinsetError):  # noqa: N818 - named for the fact
    """Nobody answers on the daemon's socket."""
