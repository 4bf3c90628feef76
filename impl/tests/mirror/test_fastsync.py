"""FastSync as a mode of the set: what it decides at a break (4.3.4)."""

from dataclasses import replace

from twinset.mirror import copy_mode, requests
from twinset.mirror.cluster_partition import State
from twinset.mirror.side import Side

from .ports import Ports
from .test_side import peer, serving


def test_fastsync_added_to_a_broken_mirror_begins_after_one_full_copy() -> None:
    """What broke without it is copied whole, also when it is in use by the time of the copy (4.3.4.5-03)."""
    for was, mode in ((False, copy_mode.FULL), (True, copy_mode.HIGH_SPEED)):
        side, _ = serving()
        side.settings = replace(side.settings, fastsync=was)
        side.session_down("cut")
        requests.peer(side, down=True)
        side.settings = replace(side.settings, fastsync=True)
        assert side.decide(peer(State.STALE, cur=5)).mode == mode
        assert (side.maps.dirty_bytes == side.maps.size_bytes) == (not was)
        restarted = Side(side.settings, side.record, side.maps, Ports())
        assert restarted.decide(peer(State.STALE, cur=5)).mode == mode
