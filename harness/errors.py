"""What can go wrong in the lab itself, as opposed to in the software under test.

HarnessError
├── CommandFailed       a command that had to succeed did not (exit status, output)
├── WaitTimeout         an awaited fact did not come true in its time
├── TopologyError       the described lab contradicts itself
├── LabError            the lab refuses or cannot do what was asked
└── AuditFailed         a lab was left in a state that no test may leave
"""


class HarnessError(Exception):
    """Root of everything that the harness itself raises."""


class CommandFailed(HarnessError):  # noqa: N818 - named for the fact
    """A command that had to succeed did not."""


class WaitTimeout(HarnessError):  # noqa: N818 - named for the fact
    """An awaited fact did not come true in its time."""


class TopologyError(HarnessError):
    """The described lab contradicts itself."""


class LabError(HarnessError):
    """The lab refuses or cannot do what was asked."""


class AuditFailed(HarnessError):  # noqa: N818 - named for the fact
    """The lab was left in a state that no test may leave."""
