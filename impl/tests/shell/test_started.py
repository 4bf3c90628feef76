"""What is started on this boot, after the configuration has changed under it."""

import json

from impl.tests.samples import TWO_SERVERS
from twinset import config as configuration
from twinset.config.cluster import ClusterConfig
from twinset.shell.started import added, remembered, written

ENV = {"ARMS_EVENT": "START"}


def config(*addresses: str, name: str = "db") -> ClusterConfig:
    lines = [f'[[group]]\nname = "{name}"\npolicy = ["server1", "server2"]']
    lines += [f'[[group.floating_ip]]\naddress = "{address}"' for address in addresses]
    return configuration.loads(f"{TWO_SERVERS}\n" + "\n".join(lines) + "\n")


def test_what_is_written_is_read() -> None:
    """Nothing is lost when nothing has changed."""
    same = config("10.0.1.100", "10.0.1.101")
    started = {("db", "floating_ip", 0): ENV, ("db", "floating_ip", 1): ENV, ("db", "script", 0): ENV}
    found = remembered(json.loads(json.dumps(written(started, {"db": False}, same))), same)
    assert (found.keys, found.associate, found.gone) == (started, {"db": False}, [])


def test_an_address_is_found_again_at_its_new_place() -> None:
    """One was deleted before it and one added: the one that stays is not taken away nor started again (7.2.2-03)."""
    before, after = config("10.0.1.100", "10.0.1.101"), config("10.0.1.105", "10.0.1.101")
    body = written({("db", "floating_ip", 0): ENV, ("db", "floating_ip", 1): ENV}, {}, before)
    found = remembered(body, after)
    assert found.keys == {("db", "floating_ip", 1): ENV}
    assert found.gone == [("db", "10.0.1.100")]
    assert added(found.keys, ["db"], after) == [("db", "floating_ip", 0)]
    assert added(found.keys, [], after) == []  # only of groups that are up here


def test_groups_that_are_configured_no_more_are_left_out() -> None:
    """Their addresses are named, so that they can be taken away."""
    body = written({("db", "floating_ip", 0): ENV, ("db", "script", 0): ENV}, {}, config("10.0.1.100"))
    found = remembered(body, config(name="web"))
    assert found.keys == {}
    assert found.gone == [("db", "10.0.1.100")]


def test_what_makes_no_sense_is_left_out() -> None:
    """The file may be of another version, or damaged."""
    body = {
        "started": [
            None,
            {},
            {"group": "db", "kind": "x", "index": 0},
            {"group": 3, "kind": "script", "index": 0},
        ]
    }
    assert remembered(body, config()).keys == {}
    assert remembered({"started": 7}, config()).keys == {}
