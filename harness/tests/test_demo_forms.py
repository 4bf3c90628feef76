"""The sample configurations of the operation forms: in order, as they stand and as the demonstration uses them."""

from importlib import resources
from types import SimpleNamespace
from typing import Any

import pytest

from harness.demo.forms import FORMS
from twinset.config import check_text, loads

SERVERS = [SimpleNamespace(name=name, disk_path=f"/lab/{name}/disk0") for name in ("server1", "server2")]
LAB: Any = SimpleNamespace(servers=SERVERS)


def sample(name: str) -> str:
    return (resources.files("harness.demo") / "samples" / f"{name}.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FORMS)
def test_a_sample_breaks_no_rule(name: str) -> None:
    """Neither as an operator reads it, nor with the lab's disks and interfaces in it; no advice against it either."""
    assert check_text(sample(name)) == []
    ours = FORMS[name].configuration(LAB)
    assert check_text(ours) == []
    assert {disk.path for disk in loads(ours).mirror_sets[0].disks} == {each.disk_path for each in SERVERS}
    assert not any(word in ours for word in ('"eth0"', '"/dev/sdb"', '"/dev/sdc"'))


@pytest.mark.parametrize("name", FORMS)
def test_a_sample_has_the_form_that_it_is_named_after(name: str) -> None:
    """Uni-directional: one group. Multi-directional: a group at home on each server, a mirror set for each."""
    config = loads(sample(name))
    homes = {group.name: group.policy[0] for group in config.groups}
    assert homes == {each.group: each.home for each in FORMS[name].applications}
    expected = ["server1"] if name == "uni-directional" else ["server1", "server2"]
    assert sorted(homes.values()) == expected
    assert len({disk.set for group in config.groups for disk in group.mirror_disks}) == len(expected)
    assert [group.floating_ips[0].address for group in config.groups] == [
        each.address for each in FORMS[name].applications
    ]


def test_two_instances_of_one_application_can_run_together() -> None:
    """On one server they meet after a loss (5.2.2-12): no address and no port is the same."""
    one, two = FORMS["multi-same"].applications
    assert (one.address, one.port) != (two.address, two.port)
    assert one.port != two.port
