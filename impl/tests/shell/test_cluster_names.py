"""Two clusters of one name do not share a LAN: asked over this machine's own loopback network."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from impl.tests.samples import TWO_SERVERS
from twinset import config as configuration
from twinset.errors import Refusal
from twinset.shell import cluster_names, datagrams


def named(name: str, *, ours: str = "127.0.1.1", other: str = "127.0.1.2") -> Any:
    """A cluster whose public LAN is the loopback network."""
    body = configuration.loads(TWO_SERVERS).model_dump(by_alias=True, mode="json")
    body["cluster"]["name"] = name
    for end, address in zip(body["lan"][0]["endpoints"], (ours, other), strict=True):
        end["address"] = f"{address}/8"
    return configuration.ClusterConfig.model_validate(body, strict=False)


def free_port() -> int:
    bound = datagrams.bind("127.0.0.1", 0)
    try:
        return int(bound.getsockname()[1])
    finally:
        bound.close()


@contextlib.contextmanager
def answering(name: str, port: int) -> Iterator[None]:
    answers = cluster_names.Answers("server3", lambda: name, pytest.fail)
    answers.open(port)
    try:
        yield
    finally:
        answers.close()


def asked(taken: str, new: Any, old: Any = None) -> None:
    """Ask for the name of a configuration while another cluster has one."""

    async def scenario() -> None:
        port = free_port()
        with answering(taken, port):
            await cluster_names.refuse_taken(old, new, "server1", port)

    asyncio.run(scenario())


@pytest.mark.parametrize("taken", ["demo", "DEMO"])
def test_a_name_that_another_cluster_has_is_refused(taken: str) -> None:
    """In any case, with who has it (2.2.2.3-02, 2.2.2.3-04)."""
    with pytest.raises(Refusal, match="server3 at 127") as caught:
        asked(taken, named("demo"))
    assert (caught.value.code, caught.value.clause) == ("E_DUP", "2.2.2.3-04")


def test_another_name_is_free_and_an_own_one_is_not_asked_for() -> None:
    """One character more; a name that stays; servers of this configuration, which may have had it before."""
    asked("demo2", named("demo"))
    asked("demo", named("DEMO"), named("demo"))
    asked("demo", named("demo", ours="127.0.0.1"))


def test_a_port_that_is_taken_is_told_and_a_lan_that_is_not_there_is_silent() -> None:
    """Neither ends the daemon nor keeps a cluster from its name."""
    told: list[str] = []

    async def scenario() -> None:
        port = free_port()
        with answering("demo", port):
            second = cluster_names.Answers("server4", lambda: "demo", told.append)
            second.open(port)
            second.close()
            await cluster_names.refuse_taken(
                None, named("demo", ours="203.0.113.1", other="203.0.113.2"), "server1", port
            )

    asyncio.run(scenario())
    assert len(told) == 1
