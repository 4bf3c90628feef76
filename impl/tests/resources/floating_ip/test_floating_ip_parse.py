"""What `ip -j address show` says, captured from iproute2 6.1."""

import json

import pytest

from twinset.resources.floating_ip import parse

CAPTURED = """[{"ifindex":3,"link":"v1","ifname":"v0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],
"mtu":1500,"qdisc":"noqueue","operstate":"UP","group":"default","txqlen":1000,"link_type":"ether",
"address":"82:ab:e1:71:17:5a","broadcast":"ff:ff:ff:ff:ff:ff","addr_info":[{"family":"inet","local":"10.99.0.1",
"prefixlen":24,"scope":"global","label":"v0","valid_life_time":4294967295,"preferred_life_time":4294967295},
{"family":"inet","local":"10.99.0.7","prefixlen":24,"scope":"global","secondary":true,"dynamic":true,"label":"v0",
"valid_life_time":3,"preferred_life_time":3},{"family":"inet6","local":"fe80::80ab:e1ff:fe71:175a","prefixlen":64,
"scope":"link","valid_life_time":4294967295,"preferred_life_time":4294967295}]}]"""
WITH_EMPTY_ENTRY = '[{"ifname":"v0","flags":["UP"],"addr_info":[{},{"family":"inet","local":"10.99.0.7"}]}]'


def test_addresses_and_flags_are_read() -> None:
    """IPv4 addresses, administrative state and carrier come out of a real answer."""
    state = parse.interface(CAPTURED)
    assert state == parse.InterfaceState(True, True, frozenset({"10.99.0.1", "10.99.0.7"}))


def test_empty_entries_are_passed_over() -> None:
    """ip prints empty objects for what a filter left out."""
    assert parse.interface(WITH_EMPTY_ENTRY).addresses == {"10.99.0.7"}


@pytest.mark.parametrize("text", ["", "nonsense", "{}", "3"])
def test_anything_else_is_refused(text: str) -> None:
    """An answer that is no list is told, not guessed at."""
    with pytest.raises(ValueError):
        parse.interface(text)


def test_an_interface_that_is_down() -> None:
    """Without UP and carrier both facts are false."""
    assert parse.interface(json.dumps([{"flags": ["BROADCAST"]}])) == parse.InterfaceState(
        False, False, frozenset()
    )
