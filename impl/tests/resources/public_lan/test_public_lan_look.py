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


UP = '[{"ifname":"eth0","flags":["BROADCAST","UP","LOWER_UP"],"operstate":"UP"}]'
# A cable that was pulled, and an interface that was switched off (iproute2 6.1).
PULLED = '[{"ifname":"eth0","flags":["NO-CARRIER","BROADCAST","UP"],"operstate":"DOWN"}]'
OFF = '[{"ifname":"eth0","flags":["BROADCAST"],"operstate":"DOWN"}]'


@pytest.mark.parametrize(
    ("text", "good"), [(UP, True), (PULLED, False), (OFF, False), ("", False), ("[]", False), ("[{}]", False)]
)
def test_what_ip_says_of_a_link(text: str, good: bool) -> None:
    """LOWER_UP is a link; a pulled cable, a switched-off interface and an unknown one have none."""
    assert parse.has_link(text) is good


def test_only_public_lans_of_this_server_are_looked_at() -> None:
    """Interconnects are no public LAN, the other server's interface is not ours."""
    assert plan.interfaces(CONFIG, "SERVER2") == ("pub1",)


def test_a_target_is_no_option() -> None:
    """A target that begins with a dash is still a target."""
    assert plan.ping("-f")[-2:] == ["--", "-f"]


def test_a_look_asks_every_target(system: Any, answer: Any) -> None:
    """All targets are pinged; with a link and one answer the LAN is good, without a link it is not."""
    assert asyncio.run(probe.look(system, CONFIG, "server1", ["a", "b"])) == "no link on pub0"
    assert [argv[-1] for argv in system.ran] == ["pub0", "a", "b"]
    system.answers["ip"] = answer(UP)
    assert asyncio.run(probe.look(system, CONFIG, "server1", ["a"])) == ""
    system.answers["ping"] = answer("", 1)
    assert asyncio.run(probe.look(system, CONFIG, "server1", ["a"])) == "no answer from a"
