"""Arguments of the API's verbs."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from twinset.errors import Refusal
from twinset.shell import api_verbs, clock
from twinset.shell.guard import Guard


class Core:
    """A runtime that keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def request(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((verb, args))
        return {"done": True}


def daemon(**changes: Any) -> Any:
    taken_up = asyncio.Event()
    taken_up.set()
    open_to_all = Guard("t" * 64, lambda: "", lambda *_: None)
    return SimpleNamespace(
        **{"runtime": Core(), "why_not": "", "taken_up": taken_up, "guard": open_to_all, **changes}
    )


def handle(where: Any, verb: str, **args: Any) -> Any:
    return asyncio.run(api_verbs.handle(where, verb, args))


def test_a_request_reaches_the_core_without_empty_arguments() -> None:
    """Arguments that are null count as not given."""
    where = daemon()
    assert handle(where, "group.start", group="db", server=None) == {"done": True}
    assert where.runtime.asked == [("group.start", {"group": "db"})]


@pytest.mark.parametrize(
    ("verb", "args", "said"),
    [
        ("zonk", {}, "unknown verb"),
        ("group.start", {}, "needs group"),
        ("group.start", {"group": 3}, "must be of type str"),
        ("group.start", {"group": "db", "x": 1}, "does not take 'x'"),
        ("mirror.create", {"set": "set1", "wait": "yes"}, "must be of type bool"),
        ("events", {"since": True}, "must be of type int"),
        ("cluster.status", {"a": 1}, "takes no arguments"),
    ],
)
def test_wrong_arguments_are_refused_with_what_is_right(verb: str, args: dict[str, Any], said: str) -> None:
    """A request that no verb takes says what the verb takes."""
    with pytest.raises(Refusal, match=said):
        handle(daemon(), verb, **args)


def test_without_a_configuration_every_verb_says_what_to_do() -> None:
    """A server without a cluster names the command that makes one."""
    with pytest.raises(Refusal) as caught:
        handle(daemon(runtime=None, why_not="no cluster is configured on this server"), "cluster.start")
    assert "no cluster is configured" in caught.value.message
    assert "cluster create" in caught.value.help


def test_a_request_waits_for_the_configuration_to_be_in_use() -> None:
    """`cluster start` right after `cluster create` waits until the new configuration is in use."""
    where = daemon(runtime=None)
    where.taken_up.clear()

    async def scenario() -> Any:
        asked = asyncio.create_task(api_verbs.handle(where, "cluster.start", {}))
        await clock.pause(0.05)
        assert not asked.done()
        where.runtime = Core()
        where.taken_up.set()
        return await asked

    assert asyncio.run(scenario()) == {"done": True}


def test_a_configuration_that_is_not_taken_up_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is bounded, and the refusal after it says what was waited for."""
    monkeypatch.setattr(api_verbs, "TAKE_UP_S_MAX", 0.01)
    where = daemon(runtime=None)
    where.taken_up.clear()
    with pytest.raises(Refusal, match="is not in use yet") as caught:
        handle(where, "cluster.start")
    assert caught.value.help


def test_down_is_the_runtimes_affair() -> None:
    """ARMDOWN reaches the runtime, and what happens to the machine comes back (6.3-17)."""

    class Leaving(Core):
        async def down(self, reason: str, **how: bool) -> str:
            self.asked.append((reason, how))
            return "powers off"

    where = daemon(runtime=Leaving(), me="server1")
    assert handle(where, "server.down", reboot=True) == {"server": "server1", "machine": "powers off"}
    assert where.runtime.asked == [("asked by ARMDOWN", {"reboot": True, "force": False})]
    with pytest.raises(Refusal, match="is not possible"):
        handle(daemon(runtime=None, why_not="no cluster"), "server.down")


def test_the_verbs_of_programs_reach_their_table() -> None:
    """They are judged like all others, and answered by the table of programs."""

    class Programs:
        def list(self) -> list[str]:
            return ["row"]

    where = daemon()
    where.runtime.programs = Programs()
    assert handle(where, "program.list") == {"programs": ["row"]}
    with pytest.raises(Refusal, match="needs watch"):
        handle(where, "program.kill")
