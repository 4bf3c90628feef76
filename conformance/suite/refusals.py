"""How an operation or a configuration is refused, as a value that a case can compare."""

from typing import Any

from conformance.suite.config import Config
from conformance.suite.errors import Failed, Refused
from conformance.suite.pair import Pair


def refusal(pair: Pair, op: str, **args: Any) -> str:
    """The class of error with which an operation is refused or fails; "accepted" when it is not."""
    try:
        pair.operate(op, **args)
    except (Refused, Failed) as refused:
        return refused.code
    return "accepted"


def application(pair: Pair, config: Config) -> str:
    """The class of error with which a configuration is refused; "accepted" when it is not."""
    try:
        pair.adapter.request("apply", {"config": config})
    except (Refused, Failed) as refused:
        return refused.code
    return "accepted"
