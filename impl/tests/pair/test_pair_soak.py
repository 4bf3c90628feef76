"""A short soak in every run of the checks; `python -m harness.soak` plays any length."""

from harness.soak.kinds import schedule
from harness.soak.rounds import WRITES_MIN, play, soaked_pair

SEED = 20
KINDS_HERE = ["cut-ic1+kill-mirrord-standby", "power-standby"]


def test_a_short_soak() -> None:
    """Two rounds of real faults: nothing acknowledged is lost, both sides are identical after each."""
    with soaked_pair(SEED, scale=0.1) as running:
        for number, name in enumerate(schedule(len(KINDS_HERE), SEED, KINDS_HERE), 1):
            outcome = play(running, name, SEED, number)
            print(f"{name}: {outcome.writes} writes, longest {outcome.slowest_s:.1f} s")  # noqa: T201
            assert outcome.writes >= WRITES_MIN
