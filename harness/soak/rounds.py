"""One round of a soak: load, fault, what has to come of it, repair, and the proof that nothing is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from harness import audits, topology
from harness.errors import HarnessError
from harness.labs import pair
from harness.labs.namespaces import TWINSETD, Lab
from harness.labs.running import LATE_S, SOON_S, Pair
from harness.labs.scribe import STOP_SCRIPT
from harness.soak import trace
from harness.soak.kinds import KINDS, SINGLE, Scene
from harness.wait import now_s, wait_for

STRIKE, REPAIR = "strike", "repair"
WRITES_MIN = 1_000
BEFORE, BETWEEN = (100, 400), (0, 60)  # acknowledged writes before a fault, and between two of them


@dataclass
class Outcome:
    """What a round has shown."""

    kind: str
    writes: int
    slowest_s: float


@contextmanager
def soaked_pair(seed: int, scale: float, mutant: str = "") -> Iterator[Pair]:
    """A running pair with two mirror connects, volatile caches, and a stop script that ends the writer."""
    daemon = ["env", f"PYTHONPATH={mutant}", *TWINSETD] if mutant else TWINSETD
    two = topology.two_mirror_connects()
    with Lab.create(two, scale=scale, disk_mib=64, seed=seed, name="soak", daemon=daemon) as lab:
        pair.install_script(lab, "start", "#!/bin/sh\nexit 0\n")
        pair.install_script(lab, "stop", STOP_SCRIPT)
        scripts = [("/etc/twinset/scripts/start", "/etc/twinset/scripts/stop")]
        try:
            pair.bring_up(lab, LATE_S, scripts=scripts)
            yield Pair(lab)
        except Exception:
            lab.artefacts.snapshot(lab)
            raise


def play(running: Pair, name: str, seed: int, number: int) -> Outcome:
    """Play round `number` of a seed. Raises HarnessError, AssertionError or WaitTimeout for whatever does not hold.

    A round that fails leaves its scenario for the simulated world with the artefacts of the lab.
    """
    began_s = now_s()
    active, standby = running.active, running.standby
    scene = Scene(running, Random(f"{seed}/{number}"), active, standby, [running.write()])
    try:
        return _play(scene, name)
    except Exception:
        events = [event for server in running.lab.servers for event in server.events()]
        what = f"{name}, round {number} of seed {seed}"
        trace.leave(scenario_file(running, number), trace.scenario(what, scene.facts, events, began_s))
        raise


def scenario_file(running: Pair, number: int) -> Path:
    """Where a failed round leaves its scenario."""
    return running.lab.artefacts.directory / f"scenario-{number}.json"


def _play(scene: Scene, name: str) -> Outcome:
    running, random, parts = scene.running, scene.random, KINDS[name]
    kinds = [SINGLE[each] for each in parts]
    scene.moves = any(kind.moves for kind in kinds)
    scene.scribes[0].await_more(random.randint(*BEFORE))
    for index, kind in enumerate(kinds):
        if index and not scene.moves:
            scene.scribes[0].await_more(random.randint(*BETWEEN))
        scene.note(STRIKE, parts[index])
        kind.strike(scene)
    for kind in kinds:
        kind.settle(scene)
    if scene.moves:
        running.await_active_on(scene.standby)
        _take_over(scene, name)
        scene.scribes.append(running.write())
    scene.scribes[-1].await_more(100)
    for index, kind in enumerate(kinds):
        scene.note(REPAIR, parts[index])
        kind.repair(scene)
    for server in scene.away:
        running.give_back(server)
    running.await_normal()
    return _prove(scene, name)


def _take_over(scene: Scene, name: str) -> None:
    """The group is on the other server with everything acknowledged; a failing disk alone was no error to anybody."""
    scribe = scene.scribes[0]
    if "disk" in name:
        scribe.await_end()
    spared = ("error", "wrong") if "disk" in name else ("wrong",)
    trouble = [line for line in scribe.remarks() if any(word in line for word in spared)]
    if trouble:
        raise HarnessError(f"the application on {scene.active.name} saw: {trouble}")
    scribe.verify(scene.standby)


def _prove(scene: Scene, name: str) -> Outcome:
    """Enough was acknowledged, all of it is there, and both sides hold the same bytes."""
    running, scribes = scene.running, scene.scribes
    last = scribes[-1]
    now = scene.standby if scene.moves else scene.active
    before = sum(each.written() for each in scribes[:-1])
    if before + last.written() < WRITES_MIN:
        last.await_more(WRITES_MIN - before - last.written())
    last.stop()
    last.verify(now)
    await_same_data(running.lab)
    if running.active is not now:
        raise HarnessError(f"the group is on {running.active.name}, expected on {now.name}")
    audits.one_active(running.lab).require()
    writes = sum(each.written() for each in scribes)
    return Outcome(name, writes, max(each.slowest_s() for each in scribes))


def await_same_data(lab: Lab) -> None:
    """Both images become equal: the file system may still write a little by itself."""
    findings: list[str] = []

    def equal() -> bool:
        findings[:] = audits.same_data(lab).findings
        return not findings

    try:
        wait_for(equal, SOON_S, "both sides to hold the same bytes", poll_s=0.5)
    except HarnessError as error:
        raise HarnessError(f"{error}: {'; '.join(findings)}") from None
