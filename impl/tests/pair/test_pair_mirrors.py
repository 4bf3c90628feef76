"""The mirror alone, without a cluster above it: seeded random faults under a verifying writer."""

from random import Random

import pytest

from harness import audits, preflight
from harness.labs.mirrors import DEVICE, Mirrors
from harness.labs.namespaces import Lab
from harness.labs.running import SOON_S
from harness.labs.scribe import Scribe
from harness.labs.server import Server
from harness.wait import settle, wait_for

FAULTS = ("cut_active", "cut_standby", "kill_standby")


class Story:
    """One seeded sequence of faults; after each one the set must be whole again."""

    def __init__(self, lab: Lab, seed: int) -> None:
        self.lab = lab
        self.random = Random(seed)
        self.mirrors = Mirrors(lab)
        self.active = lab.server1
        self.writers = 0
        self.mirrors.create(self.active)
        self.mirrors.activate(self.active, "up")
        self.scribe = self.write()

    @property
    def standby(self) -> Server:
        return self.lab.peer_of(self.active)

    def write(self) -> Scribe:
        self.writers += 1
        return Scribe(self.lab, self.active, seed=self.writers, file=DEVICE)

    def play(self, steps: int) -> None:
        for _ in range(steps):
            settle(self.random.uniform(0.05, 0.5))
            fault = self.random.choice(FAULTS)
            self.lab.artefacts.note(f"fault: {fault}, {self.scribe.written()} writes acknowledged")
            getattr(self, fault)()
            self.mirrors.introduce()
            self.mirrors.await_normal()
            self.scribe.await_more(10)

    def cut_active(self) -> None:
        """The active server loses power; the standby has every acknowledged write."""
        former, self.active = self.active, self.standby
        self.lab.power_off(former)
        self.mirrors.declare_down(self.active)
        self.mirrors.activate(self.active, "down")
        self.scribe.verify(self.active)
        self.scribe = self.write()
        self.scribe.await_more(20)
        self.mirrors.power_on(former)

    def cut_standby(self) -> None:
        """The standby loses power; writes go on once it is declared down."""
        standby = self.standby
        self.lab.power_off(standby)
        self.mirrors.declare_down(self.active)
        self.scribe.await_more(20)
        self.mirrors.power_on(standby)

    def kill_standby(self) -> None:
        """The standby's mirror process is killed and started again."""
        standby = self.standby
        standby.kill_program("twinset-mirrord")
        wait_for(lambda: self.mirrors.status(standby), SOON_S, "the new mirror process to answer")

    def end(self) -> None:
        self.scribe.stop()
        self.scribe.verify(self.active)
        self.mirrors.detach(self.active)


@pytest.mark.skipif(
    any(need.name == "nbdfuse" for need in preflight.missing(demo=True)), reason="nbdfuse not found"
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_single_faults_lose_no_acknowledged_write_and_end_byte_identical(seed: int) -> None:
    """Power cuts and kills at random instants: nothing acknowledged is lost, both sides end equal."""
    with Lab.create(daemon=None, disk_mib=32, seed=seed, name=f"mirrors-{seed}") as lab:
        story = Story(lab, seed)
        story.play(4)
        story.end()
        audits.same_data(lab).require()
    audits.no_leftovers(lab).require()
