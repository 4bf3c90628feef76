"""Look-ups in the model."""

from collections.abc import Callable
from typing import Any

import pydantic
import pytest

from twinset.config.cluster import ClusterConfig, same_name
from twinset.config.structure import build as build_structure
from twinset.errors import Refusal

Build = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture()
def config(build: Build) -> ClusterConfig:
    return build_structure(build({})).config


def test_server_is_found_in_any_case(config: ClusterConfig) -> None:
    """Server names are compared without regard to case (2.2.2.3-06)."""
    assert config.server("SERVER2").name == "server2"
    assert config.server_index("Server2") == 1


def test_each_server_is_the_peer_of_the_other(config: ClusterConfig) -> None:
    """peer_of gives the other server, for both."""
    assert [config.peer_of(name).name for name in ("server1", "SERVER2")] == ["server2", "server1"]


def test_group_is_found_in_any_case(config: ClusterConfig) -> None:
    """group.move("DB") finds "db" (2.2.2.3-10)."""
    assert config.group("DB").name == "db"


@pytest.mark.parametrize(
    "kind", ["server", "peer_of", "server_index", "group", "mirror_set", "mirror_set_index"]
)
def test_unknown_name_is_refused_with_its_class(config: ClusterConfig, kind: str) -> None:
    """Asking for what is not configured is a refusal of class E_NOTFOUND."""
    with pytest.raises(Refusal) as refused:
        getattr(config, kind)("nothing")
    assert refused.value.code == "E_NOTFOUND"
    assert refused.value.as_json()["message"]


def test_dedicated_interconnect_comes_before_a_public_lan(config: ClusterConfig) -> None:
    """Without priorities the primary interconnect is the first that is no public LAN (2.1.4-04)."""
    assert [lan.name for lan in config.interconnects()] == ["ic1", "public"]


def test_priority_orders_interconnects_and_mirror_connects(build: Build) -> None:
    """A given priority comes first, and orders the mirror connects in the same way."""
    second = {"name": "ic2", "roles": ["interconnect", "mirror"], "endpoints": [], "priority": 1}
    config = build_structure(build({"lan[+]": second})).config
    assert [lan.name for lan in config.interconnects()] == ["ic2", "ic1", "public"]
    assert [lan.name for lan in config.mirror_lans()] == ["ic2", "ic1"]
    assert [lan.name for lan in config.public_lans()] == ["public"]


def test_endpoint_and_disk_of_a_server(config: ClusterConfig) -> None:
    """A LAN and a set know what each server has of them."""
    assert config.lans[0].endpoint("SERVER2").ip == "10.0.1.2"
    assert config.mirror_set("SET1").disk_path("server1") == "/dev/sdb"
    with pytest.raises(Refusal):
        config.lans[0].endpoint("server3")
    with pytest.raises(Refusal):
        config.mirror_set("set1").disk_path("server3")


def test_group_of_a_mirror_set(config: ClusterConfig) -> None:
    """The set knows its group; a set without one has none."""
    group = config.group_of_set("SET1")
    assert group is not None
    assert group.name == "db"
    assert config.group_of_set("set2") is None


def test_model_is_frozen(config: ClusterConfig) -> None:
    """Nobody changes a configuration in place."""
    with pytest.raises(pydantic.ValidationError):
        config.cluster.name = "other"


@pytest.mark.parametrize(
    ("left", "right", "same"), [("A", "a", True), ("a-b", "A-B", True), ("a", "b", False)]
)
def test_names_are_compared_without_case(left: str, right: str, same: bool) -> None:
    """The guide compares names without regard to case."""
    assert same_name(left, right) == same
