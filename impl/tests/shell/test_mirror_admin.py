"""Register, cancel, options: what they make of the active configuration, and what they refuse."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from twinset import config as configuration
from twinset.errors import Refusal
from twinset.shell import api_verbs, mirror_admin
from twinset.shell.guard import Guard
from twinset.shell.paths import Paths

from .configure_world import text

if TYPE_CHECKING:
    from twinset.shell.configure import Asked

FREE = {"cancel": {"allowed": True, "reason": "", "clause": "8.7-03", "help": ""}}
USED = {
    "cancel": {"allowed": False, "reason": "it is the disk of db", "clause": "8.3-02", "help": "twinset x"}
}


class Daemon:
    """Keeps what it is asked to make the configuration."""

    def __init__(self, functions: Any = FREE, why_not: str = "") -> None:
        self.runtime: Any = SimpleNamespace(config=configuration.loads(text("/d")), request=self._request)
        self.taken_up = asyncio.Event()
        self.taken_up.set()
        self.paths = Paths.from_environment({})
        self.made: list[tuple[configuration.ClusterConfig, str]] = []
        self.written: list[str] = []
        self.event_log = SimpleNamespace(write=lambda name, *_: self.written.append(name))
        self.guard = Guard("t" * 64, lambda: "", lambda *_: None)
        self._functions, self._why_not = functions, why_not

    async def _request(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        if verb == "change.judge" and self._why_not:
            raise Refusal("E_STATE", self._why_not, "6.2.5-12", "twinset cluster stop")
        if verb == "mirror.functions":
            return {args["set"]: {"functions": self._functions}}
        return {"set": "set1", "server": "server2"}

    async def change(self, asked: Asked) -> dict[str, Any]:
        assert not asked.live
        self.made.append((configuration.loads(asked.text), asked.register))
        return {}


def ask(daemon: Daemon, verb: str, **args: Any) -> Any:
    return asyncio.run(api_verbs.handle(daemon, verb, args))  # type: ignore[arg-type]


DISKS = {"server1": "/dev/a", "server2": "/dev/b"}


def test_a_set_is_registered_beside_the_others() -> None:
    """Disks, partitions and options are the operator's; everything else of the configuration stays (4.3.4.1-01)."""
    daemon = Daemon()
    answer = ask(daemon, "mirror.register", set="set2", disks=DISKS, partitions={"2": "F"}, max_io_kib=128)
    assert answer["next"] == "twinset mirror create set2"
    ((made, register),) = daemon.made
    assert register == "set2"
    assert [item.name for item in made.mirror_sets] == ["set1", "set2"]
    fresh = made.mirror_sets[1]
    assert [(disk.server, disk.path) for disk in fresh.disks] == list(DISKS.items())
    assert (fresh.partitions[0].number, fresh.partitions[0].letter, fresh.max_io_kib) == (2, "F", 128)
    assert made.groups == daemon.runtime.config.groups
    assert daemon.written == ["mirror_set_registered"]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ({"set": "SET1"}, "E_DUP"),
        ({"partitions": {"1": "F"}}, "E_RESERVED"),
        ({"partitions": {"2": "E"}}, "E_DUP"),
        ({"partitions": {"two": "F"}}, "E_RANGE"),
        ({"max_io_count": 0}, "E_RANGE"),
        ({"disks": {"server1": "/dev/a"}}, "E_TOPOLOGY"),
    ],
)
def test_what_breaks_a_rule_is_not_registered(args: dict[str, Any], code: str) -> None:
    """The refusal has the class of the first rule that is broken; nothing is handed over."""
    daemon = Daemon()
    wanted = {"set": "set2", "disks": DISKS, "partitions": {"2": "F"}, **args}
    with pytest.raises(Refusal) as caught:
        ask(daemon, "mirror.register", **wanted)
    assert caught.value.code == code, caught.value.message
    assert not daemon.made


def test_a_set_that_no_group_uses_is_cancelled() -> None:
    """The configuration loses it, by which both servers forget it (8.3-02)."""
    daemon = Daemon()
    whole = daemon.runtime.config
    spare = whole.mirror_sets[0].model_copy(
        update={
            "name": "spare",
            "partitions": (whole.mirror_sets[0].partitions[0].model_copy(update={"letter": "F"}),),
        }
    )
    daemon.runtime.config = whole.model_copy(update={"mirror_sets": (spare, *whole.mirror_sets)})
    answer = ask(daemon, "mirror.cancel", set="SPARE")
    assert "8.5-02" in answer["next"]
    ((made, _),) = daemon.made
    assert [item.name for item in made.mirror_sets] == ["set1"]
    assert daemon.written == ["mirror_set_cancelled"]


def test_what_the_table_forbids_is_not_cancelled() -> None:
    """The core's verdict is the refusal."""
    with pytest.raises(Refusal) as caught:
        ask(Daemon(USED), "mirror.cancel", set="set1")
    assert (caught.value.clause, caught.value.help) == ("8.3-02", "twinset x")


@pytest.mark.parametrize(
    ("verb", "args", "clause"),
    [
        ("mirror.register", {"set": "set2", "disks": DISKS, "partitions": {"2": "F"}}, "4.3.4.1-01"),
        ("mirror.cancel", {"set": "set1"}, "8.3-02"),
        ("mirror.options", {"set": "set1", "max_io_kib": 32}, "4.5.1-03"),
    ],
)
def test_a_change_needs_a_stopped_cluster(verb: str, args: dict[str, Any], clause: str) -> None:
    """The refusal names state, clause and the command that helps."""
    daemon = Daemon(why_not="the cluster operates")
    with pytest.raises(Refusal, match="the cluster operates") as caught:
        ask(daemon, verb, **args)
    assert (caught.value.clause, caught.value.help) == (clause, "twinset cluster stop")
    assert not daemon.made


def test_options_show_the_memory_that_they_imply(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults, formula and what is available; nothing is changed, so a running cluster does not matter (4.5.1)."""
    monkeypatch.setattr(mirror_admin, "available_kib", lambda: 12345)
    daemon = Daemon(why_not="the cluster operates")
    shown = ask(daemon, "mirror.options", set="set1")
    assert (shown["max_io_kib"], shown["max_io_count"], shown["memory_kib"]) == (64, 64, 18432)
    assert shown["defaults"] == {"max_io_kib": 64, "max_io_count": 64, "fastsync": True}
    assert shown["formula"] == "(64 x (64 + 64) + 1024) x 2 KiB"
    assert (shown["memory_kib_all"], shown["available_kib"], shown["changed"]) == (18432, 12345, False)
    assert not daemon.made


def test_options_are_changed_and_reset() -> None:
    """Size, number and mode; the memory follows; reset goes back to 64 and 64 (4.5.1-03, 4.5.1-04, 4.3.4.1-02)."""
    daemon = Daemon()
    shown = ask(daemon, "mirror.options", set="set1", max_io_kib=128, max_io_count=32, fastsync=False)
    assert (shown["changed"], shown["memory_kib"]) == (True, (128 * (32 + 64) + 1024) * 2)
    daemon.runtime.config = daemon.made[0][0]
    kept = daemon.runtime.config.mirror_sets[0]
    assert (kept.max_io_kib, kept.max_io_count, kept.fastsync) == (128, 32, False)
    assert ask(daemon, "mirror.options", set="set1", reset=True)["memory_kib"] == 18432
    assert daemon.made[1][0].mirror_sets[0].fastsync
    assert daemon.written == ["mirror_options", "mirror_options"]


def test_a_permit_says_how_a_client_opens_the_data() -> None:
    """One NBD address a data partition, on the server that permits."""
    answer = ask(Daemon(), "mirror.permit", set="set1")
    assert answer["exports"] == {"E": "nbd+unix:///E?socket=/run/twinset/nbd-set1.sock"}
