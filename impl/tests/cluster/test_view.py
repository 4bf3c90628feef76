"""What the core knows of the configuration."""

from __future__ import annotations

import pytest

from twinset.cluster.view import Timing

from .conftest import make_view


def test_defaults_fit_together() -> None:
    """The default lease ends before the peer can take over, with drift and scheduling gaps to spare (R13)."""
    timing = Timing()
    assert timing.timeout_ms == 30_000
    assert timing.lease_ms * 1.002 + 1_000 < timing.timeout_ms + timing.partition_wait_ms
    assert timing.lease_ms <= timing.timeout_ms - timing.heartbeat_ms


def test_group_names_have_no_case() -> None:
    """A group is found under its name in any case [6.2.1-04]."""
    view = make_view()
    assert view.group("a") is view.groups[0]
    assert view.group("x") is None


def test_the_peer_of_a_stranger_is_an_error() -> None:
    """Only the two servers of the cluster have a peer."""
    view = make_view()
    assert view.peer_of("server1") == "server2"
    with pytest.raises(ValueError, match="server3"):
        view.peer_of("server3")
