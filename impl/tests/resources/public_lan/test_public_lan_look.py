"""The public LAN as a server sees it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from twinset.config.cluster import ClusterConfig
from twinset.resources.public_lan import parse, plan, probe

CONFIG = ClusterConfig.model_validate(
    {
        "cluster": {"name": "demo"},
        "server": [{"name": "server1"}, {"name": "server2"}],
        "lan": [
            {
                "name": name,
                "roles": roles,
                "endpoints": [
                    {"server": "server1", "interface": f"{name}0", "address": f"10.0.{net}.1/24"},
                    {"server": "server2", "interface": f"{name}1", "address": f"10.0.{net}.2/24"},
                ],
            }
            for net, (name, roles) in enumerate(
                {"pub": ["public", "interconnect"], "ic": ["interconnect"]}.items()
            )
        ],
    },
    strict=False,
)

VERDICTS: list[tuple[dict[str, bool], dict[str, bool], str]] = [
    ({"eth0": True}, {}, ""),
    ({"eth0": False}, {}, "no link on eth0"),
    ({"eth0": True, "eth1": False}, {}, "no link on eth1"),
    ({"eth0": True}, {"a": True, "b": False}, ""),
    ({"eth0": True}, {"a": False, "b": False}, "no answer from a, b"),
    ({"eth0": False}, {"a": True}, "no link on eth0"),
    ({}, {}, ""),
]


@pytest.mark.parametrize(("links", "answers", "reason"), VERDICTS)
def test_links_and_answers_make_the_verdict(
    links: Mapping[str, bool], answers: Mapping[str, bool], reason: str
) -> None:
    """Every public LAN needs its link; of the targets one answer is enough."""
    assert parse.verdict(links, answers) == reason


def test_only_public_lans_of_this_server_are_looked_at() -> None:
    """Interconnects are no public LAN, the other server's interface is not ours."""
    assert plan.interfaces(CONFIG, "SERVER2") == ("pub1",)


def test_a_target_is_no_option() -> None:
    """A target that begins with a dash is still a target."""
    assert plan.ping("-f")[-2:] == ["--", "-f"]


def test_a_look_asks_every_target(system: Any, answer: Any) -> None:
    """All targets are pinged; with a link and one answer the LAN is good, without a link it is not."""
    system.addresses.up = False
    assert asyncio.run(probe.look(system, CONFIG, "server1", ["a", "b"])) == "no link on pub0"
    assert [argv[-1] for argv in system.ran] == ["a", "b"]
    system.addresses.up = True
    assert asyncio.run(probe.look(system, CONFIG, "server1", ["a"])) == ""
    system.answers["ping"] = answer("", 1)
    assert asyncio.run(probe.look(system, CONFIG, "server1", ["a"])) == "no answer from a"


def test_an_interface_that_is_gone_has_no_link(system: Any) -> None:
    """A card that was pulled is no trouble of the look."""
    system.addresses.gone = True
    assert asyncio.run(probe.look(system, CONFIG, "server1", [])) == "no link on pub0"
