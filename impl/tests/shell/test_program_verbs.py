"""What ARMLOAD asks for is judged before anything is started."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from twinset.config.cluster import ClusterConfig
from twinset.errors import Refusal
from twinset.shell import program_verbs
from twinset.shell.program_verbs import order_of

CONFIG = ClusterConfig.model_validate(
    {
        "cluster": {"name": "demo"},
        "server": [{"name": "server1"}, {"name": "server2"}],
        "lan": [],
        "group": [
            {"name": "Db", "policy": ["server1"], "script": [{"start": "/a", "stop": "/b"}]},
            {"name": "bare", "policy": ["server1"]},
        ],
        "account": [{"name": "operator"}],
    },
    strict=False,
)
GOOD = {"watch": "W1", "group": "db", "argv": ["app", "x"]}


def test_a_good_order_has_the_defaults_of_the_notes() -> None:
    """Monitored, no restarts, 24 hours, program only, server shutdown; the group as it is configured."""
    order = order_of(CONFIG, GOOD)
    assert (order.watch, order.group, order.argv) == ("W1", "Db", ("app", "x"))
    policy = order.policy
    assert (policy.monitor, policy.restarts_max, policy.reset_ms) == (True, 0, 24 * 3_600_000)
    assert (policy.scripts, policy.failover) == (False, False)


def test_hours_may_be_parts_of_hours() -> None:
    """Half an hour is half an hour."""
    assert order_of(CONFIG, {**GOOD, "reset_hours": 0.5}).policy.reset_ms == 1_800_000


def test_secrets_of_its_environment_are_not_kept() -> None:
    """Neither an operator's cluster password nor a script's token goes into what twinsetd remembers (2.2.2.3-14)."""
    environment = {"TWINSET_PASSWORD": "sesame", "TWINSET_TOKEN": "t" * 64, "ARMS_GROUPNAME": "Db"}
    assert order_of(CONFIG, {**GOOD, "environment": environment}).environment == {"ARMS_GROUPNAME": "Db"}


def test_a_registered_user_is_taken() -> None:
    """The accounts of the configuration may run programs (9.2-03)."""
    assert order_of(CONFIG, {**GOOD, "user": "operator"}).user == "operator"


@pytest.mark.parametrize(
    ("change", "code", "clause"),
    [
        ({"watch": ""}, "E_LENGTH", "9.2-15"),
        ({"watch": "x" * 256}, "E_LENGTH", "9.2-15"),
        ({"watch": "a\nb"}, "E_CHARSET", "9.2-15"),
        ({"group": "nobody"}, "E_NOTFOUND", "6.2.1-02"),
        ({"argv": []}, "E_RANGE", "9.2-15"),
        ({"argv": [""]}, "E_RANGE", "9.2-15"),
        ({"argv": ["app", 3]}, "E_RANGE", "9.2-15"),
        ({"argv": ["a\0b"]}, "E_RANGE", "9.2-15"),
        ({"service": True}, "E_RANGE", "6.3-10"),
        ({"service": True, "argv": ["a"], "user": "operator"}, "E_RANGE", "6.3-10"),
        ({"directory": "here"}, "E_RANGE", "9.2-15"),
        ({"environment": {"A=B": "c"}}, "E_RANGE", "9.2-15"),
        ({"environment": {"A": 3}}, "E_RANGE", "9.2-15"),
        ({"user": "root"}, "E_DENIED", "9.2-03"),
        ({"restarts": 100}, "E_RANGE", "6.3-12"),
        ({"reset_hours": 8761.0}, "E_RANGE", "6.3-13"),
        ({"reset_hours": float("nan")}, "E_RANGE", "6.3-13"),
        ({"scripts": True, "group": "bare"}, "E_RANGE", "6.3-14"),
    ],
)
def test_a_bad_order_is_refused_with_its_clause(change: dict[str, Any], code: str, clause: str) -> None:
    """Each rule has its class and its clause, and says what is wrong."""
    with pytest.raises(Refusal) as refused:
        order_of(CONFIG, {**GOOD, **change})
    assert (refused.value.code, refused.value.clause) == (code, clause)


class Table:
    """Programs that keep what they are asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def load(self, order: Any) -> str:
        self.asked.append(("load", order.watch))
        return "loaded"

    async def kill(self, watch: str, grace_s: float) -> str:
        self.asked.append(("kill", watch, grace_s))
        return "killed"

    async def wait(self, watch: str, seconds: float) -> str:
        self.asked.append(("wait", watch, seconds))
        return "ended"

    def list(self) -> list[str]:
        return ["row"]


def test_each_verb_reaches_the_table() -> None:
    """load, kill, wait and list; a grace that is no time is refused."""
    table = Table()
    runtime: Any = SimpleNamespace(programs=table, config=CONFIG)

    def ask(verb: str, **args: Any) -> Any:
        return asyncio.run(program_verbs.handle(runtime, verb, args))

    assert ask("program.load", **GOOD) == "loaded"
    assert ask("program.kill", watch="W1") == "killed"
    assert ask("program.wait", watch="W1", wait_s=1e9) == "ended"
    assert ask("program.list") == {"programs": ["row"]}
    assert table.asked == [("load", "W1"), ("kill", "W1", 60.0), ("wait", "W1", 30.0)]
    with pytest.raises(Refusal, match="grace_s must be 0 to 3600"):
        ask("program.kill", watch="W1", grace_s=1e9)
