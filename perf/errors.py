"""Errors of the suite, as a tree. A slow figure is never one of them."""


class PerfError(Exception):
    """Something kept the suite from measuring; the message says what, and what would help."""


class JobError(PerfError):
    """A job file breaks a rule of the suite."""


class OutputError(PerfError):
    """A program printed something else than what was expected of it."""
