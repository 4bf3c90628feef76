"""When a decided configuration is taken up, and what the watch for a newer one tells."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from twinset import config as configuration
from twinset.config import lineage
from twinset.errors import Refusal
from twinset.shell import change_over
from twinset.shell.change_over import ChangeOver
from twinset.shell.configure import ADOPTED

from .configure_world import text

Until = Callable[[Callable[[], Any], str], Awaitable[Any]]
OLD = configuration.loads(text("/d"))


class Daemon:
    """As much of one as the change needs."""

    def __init__(self) -> None:
        self.me, self.keys, self.instance, self.scale = "server1", object(), "a" * 32, 0.0
        self.told: list[tuple[str, str]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer: Any = {"reason": ""}
        self.outcomes: list[Any] = []
        self.event_log = SimpleNamespace(
            write=lambda name, severity, fields: self.told.append((name, fields["reason"]))
        )
        self.runtime: Any = SimpleNamespace(
            config=OLD, request=self._request, meets_another_configuration=True, hears_peer=True
        )
        self.changed = asyncio.Event()
        self.configure = SimpleNamespace(active=lambda: self.active, agree=self._agree, in_doubt=False)
        self.active: Any = OLD
        self.bugs: list[str] = []

    def failed(self, where: str, _error: BaseException) -> None:
        self.bugs.append(where)

    async def _request(self, verb: str, args: dict[str, Any]) -> Any:
        self.asked.append((verb, args))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def _agree(self, _keys: Any, _own: Any) -> tuple[str, str]:
        if not self.outcomes:
            await asyncio.Event().wait()
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome), "generation 3 in place of 2"


def test_it_waits_for_what_is_in_motion_and_says_so_once() -> None:
    """The event names what it waits for, again only when that changes."""
    daemon = Daemon()
    over = ChangeOver(daemon)  # type: ignore[arg-type]
    for reason, ready in (("group db is starting", False), ("group db is starting", False), ("", True)):
        daemon.answer = {"reason": reason}
        assert asyncio.run(over.ready()) is ready
    assert daemon.told == [("configuration_waits", "group db is starting")]
    assert daemon.asked[0] == ("change.ready", {"cluster": None, "groups": []})


def test_the_core_is_told_what_the_change_needs() -> None:
    """And its refusal names this server."""
    daemon = Daemon()
    over = ChangeOver(daemon)  # type: ignore[arg-type]
    group = OLD.groups[0].model_copy(update={"mirror_disks": ()})
    new = OLD.model_copy(update={"groups": (group,)})
    asyncio.run(over.judge(None, new, True))
    assert daemon.asked == [("change.judge", {"live": True, "cluster": None, "groups": [["db", "7.1.1-08"]]})]
    daemon.answer = Refusal("E_STATE", "group db is active", "7.1.1-08", "twinset group stop db")
    with pytest.raises(Refusal, match="server1: group db is active") as caught:
        asyncio.run(over.judge(OLD, new, True))
    assert caught.value.help == "twinset group stop db"


def test_without_a_runtime_there_is_nothing_to_ask() -> None:
    """A server that has no configuration takes what it is given."""
    daemon = Daemon()
    daemon.runtime = None
    over = ChangeOver(daemon)  # type: ignore[arg-type]
    asyncio.run(over.judge(None, OLD, False))
    assert asyncio.run(over.ready())


@pytest.mark.parametrize(
    ("outcomes", "events"),
    [
        ([ADOPTED], ["configuration_taken"]),
        ([lineage.DIVERGED, lineage.DIVERGED, lineage.SAME], ["configuration_diverged"]),
        ([lineage.DIVERGED, lineage.SAME, lineage.DIVERGED], ["configuration_diverged"] * 2),
        ([Refusal("E_DISK", "/dev/x does not exist"), lineage.SAME], ["configuration_not_taken"]),
        ([Refusal("E_STATE", "server2 cannot be reached"), lineage.SAME], []),  # heartbeats tell that
        ([lineage.NEWER, lineage.SAME], []),
    ],
)
def test_the_watch_tells_bad_outcomes_once(
    monkeypatch: pytest.MonkeyPatch, until: Until, outcomes: list[Any], events: list[str]
) -> None:
    """Each until it has changed; a newer text that does not fit here, and two that have diverged, are alerts."""
    monkeypatch.setattr(change_over, "AGREE_FLOOR_S", 0.0)

    async def scenario() -> None:
        daemon = Daemon()
        daemon.outcomes = list(outcomes)
        task = asyncio.create_task(ChangeOver(daemon).watch())  # type: ignore[arg-type]
        await until(lambda: not daemon.outcomes, "every outcome to be taken")
        await until(lambda: len(daemon.told) >= len(events), "the events")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert [name for name, _ in daemon.told] == events
        assert daemon.bugs == []

    asyncio.run(scenario())
