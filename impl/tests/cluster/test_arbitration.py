"""What may stand between silence and a take-over: ping targets, a fencing hook."""

from dataclasses import replace
from typing import Any

import pytest

from twinset.cluster import effects, events
from twinset.simulation.cluster import play
from twinset.simulation.cluster_world import World

from .conftest import TIMING, Pair, make_view

S1, S2 = "server1", "server2"
DOWN_MS = TIMING.timeout_ms + TIMING.partition_wait_ms + 4_000


def begun(**view: Any) -> Pair:
    """A cluster at work with these options."""
    pair = Pair(make_view(**view))
    pair.run(4_000)
    assert pair.ask(S1, "cluster.start").ok
    pair.run(4_000)
    pair.done.clear()
    return pair


def asked(pair: Pair, kind: type) -> list[Any]:
    """The effects of that kind that server 1 asked for."""
    return [effect for name, effect in pair.done if name == S1 and isinstance(effect, kind)]


def tell(pair: Pair, effect: Any, reason: str = "") -> None:
    """Answer it."""
    pair.queue.append((S1, events.StepDone(effect.action_id, not reason, reason)))
    pair.settle()


def test_without_options_silence_is_enough() -> None:
    """What the guide does remains the default (4.2.3-01)."""
    pair = begun()
    pair.power_off(S2)
    pair.run(DOWN_MS)
    assert not asked(pair, effects.Probe)
    assert not asked(pair, effects.Fence)
    assert pair.servers(S1) == ("O", "Xd")


def test_a_server_that_reaches_no_target_gives_up() -> None:
    """It is the one that is cut off: isolated, its groups stopped, and no take-over."""
    pair = begun(ping_targets=("10.0.1.254",))
    pair.power_off(S2)
    pair.run(DOWN_MS)
    (probe,) = asked(pair, effects.Probe)
    assert probe.targets == ("10.0.1.254",)
    assert pair.servers(S1) == ("O", "O")  # not judged yet
    tell(pair, probe, "no answer from 10.0.1.254")
    pair.run(8_000)
    assert pair.servers(S1)[0] == "Od"
    assert {"in_doubt", "public_lan_asked"} <= set(pair.logged(S1))
    assert "server_down" not in pair.logged(S1)


def test_a_server_that_reaches_one_takes_over() -> None:
    """Both reaching it is no tie-breaker: then it is as without it."""
    pair = begun(ping_targets=("10.0.1.254",))
    pair.power_off(S2)
    pair.run(DOWN_MS)
    tell(pair, asked(pair, effects.Probe)[0])
    pair.run(4_000)
    assert pair.places(S1) == {"A": S1, "B": S1}


def test_nothing_is_taken_over_before_the_fence_confirms() -> None:
    """A hook that fails is tried again, and until it succeeds the groups of the other server start nowhere."""
    pair = begun(fences=True)
    pair.power_off(S2)
    pair.run(DOWN_MS)
    (fence,) = asked(pair, effects.Fence)
    assert fence.server == S2
    tell(pair, fence, "the power switch does not answer")
    pair.run(TIMING.timeout_ms - 4_000)
    assert pair.places(S1)["B"] is None or pair.places(S1)["B"] == S2
    assert pair.logged(S1).count("fencing_failed") == 1
    pair.run(8_000)
    again = asked(pair, effects.Fence)
    assert len(again) == 2
    tell(pair, again[1])
    pair.run(4_000)
    assert pair.places(S1) == {"A": S1, "B": S1}
    assert {"fencing", "fenced"} <= set(pair.logged(S1))


@pytest.mark.parametrize("options", [{"fences": True}, {"ping_targets": ("10.0.1.254",)}])
def test_a_peer_that_is_heard_meanwhile_ends_it(options: dict[str, Any]) -> None:
    """The answer comes too late to count."""
    pair = begun(**options)
    pair.mute.add(S2)
    pair.run(DOWN_MS)
    effect = asked(pair, effects.Fence if "fences" in options else effects.Probe)[0]
    pair.mute.clear()
    pair.run(4_000)
    tell(pair, effect, "no answer")
    pair.run(4_000)
    assert "in_doubt" not in pair.logged(S1)
    assert "server_down" not in pair.logged(S1)


@pytest.mark.parametrize(
    "options", [{"fences": True}, {"ping_targets": ("x",)}, {"fences": True, "ping_targets": ("x",)}]
)
@pytest.mark.parametrize("start", [1, 21])
def test_every_invariant_holds_with_them(options: dict[str, Any], start: int) -> None:
    """Seeded faults of every kind, as without them."""

    def more(world: World) -> None:
        world.view = replace(world.view, **options)
        for host in world.hosts:
            assert host.cluster is not None
            host.cluster.view = host.cluster.book.view = world.view

    for seed in range(start, start + 20):
        outcome = play(seed, more)
        assert not outcome.found, f"seed {seed}: {outcome.found}"
