import pytest

from harness.errors import LabError
from harness.faults import links

PORTS = {("ic1", "server1"): "server1-ic1", ("ic1", "server2"): "server2-ic1"}


def test_a_one_way_cut_drops_one_direction_and_keeps_the_carrier() -> None:
    """ "in" means: hears nothing, is heard; the cable stays plugged."""
    cuts = {("ic1", "server1"): links.cut_of("in")}
    assert 'oifname "server1-ic1" drop' in links.rules(cuts, PORTS)
    assert "iifname" not in links.rules(cuts, PORTS)
    assert links.carrier_commands(cuts, PORTS, PORTS) == [
        "link set server1-ic1 up",
        "link set server2-ic1 up",
    ]


def test_a_pulled_cable_drops_both_directions_and_the_carrier() -> None:
    """ "both" is a pulled cable, "silent" the same with the carrier kept."""
    cuts = {("ic1", "server2"): links.cut_of("both")}
    assert 'iifname "server2-ic1" drop' in links.rules(cuts, PORTS)
    assert 'oifname "server2-ic1" drop' in links.rules(cuts, PORTS)
    assert links.carrier_commands(cuts, PORTS, PORTS) == [
        "link set server1-ic1 up",
        "link set server2-ic1 down",
    ]
    silent = {("ic1", "server2"): links.cut_of("silent")}
    assert links.carrier_commands(silent, PORTS, [("ic1", "server2")]) == ["link set server2-ic1 up"]


def test_an_unknown_direction_is_refused_with_the_known_ones() -> None:
    """A misspelt direction is refused and the refusal lists the directions."""
    with pytest.raises(LabError, match="both, in, out, silent"):
        links.cut_of("left")
