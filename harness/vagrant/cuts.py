"""Cuts the power of the active virtual machine under a writing load, again and again: nothing may be lost.

    python -m harness.vagrant.cuts --filesystem xfs --times 20

Each round: an application on the mirrored disk writes records, each durable before it is acknowledged to this
machine; the active server loses its power; the group comes up on the other one, where every acknowledged record has
to be; the first one gets its power back and is returned, and the mirror is whole again. At the end the file system is
checked by its own program while the cluster is stopped, and both copies are compared.
"""

import argparse
import sys

from harness.errors import HarnessError
from harness.labs import pair
from harness.labs.far_scribe import LATE_S, FarScribe
from harness.labs.machine import Machine
from harness.labs.vagrant import VagrantLab
from harness.wait import now_s

WRITES = 50
CHECKS = {
    "ext4": "e2fsck -f -n {device}",
    "xfs": "xfs_repair -n {device}",
    "ntfs": "ntfsfix --no-action {device}",
}


class Rounds:
    """A running cluster on two machines."""

    def __init__(self, lab: VagrantLab, filesystem: str) -> None:
        self.lab = lab
        self.filesystem = filesystem

    def bring_up(self) -> None:
        """Cluster, mirror, group, file system."""
        pair.bring_up(self.lab, LATE_S, filesystem=self.filesystem)

    def round(self, number: int) -> str:
        """One power cut; return one line about it."""
        active = self.lab.server(pair.active_server(self.lab, self.observer()).name)
        survivor = self.lab.peer_of(active)
        scribe = self._write_and_cut(active, number)
        begun = now_s()
        pair.await_group(survivor, "active", LATE_S, on=survivor.name)
        took = now_s() - begun
        told = scribe.verify(survivor)
        self.lab.power_on(active)
        pair.await_answers([active], LATE_S)
        pair.await_server(survivor, active.name, "Od", LATE_S)
        pair.insist(survivor, "server.return", LATE_S, server=active.name)
        for server in self.lab.servers:
            pair.await_set(server, "NORMAL", LATE_S)
        return f"{active.name} cut after {scribe.written()} writes, {survivor.name} serves {took:.0f} s later: {told}"

    def observer(self) -> Machine:
        """A server that can be asked."""
        return next(server for server in self.lab.servers if server.powered)

    def _write_and_cut(self, active: Machine, number: int) -> FarScribe:
        """Cut the power in the middle of the writing; return the writer, which knows what was acknowledged."""
        scribe = FarScribe(active, self.lab.directory / f"writer-{number}.log", number)
        try:
            scribe.await_more(WRITES)
            self.lab.power_off(active)
        finally:
            scribe.kill()
        return scribe

    def finish(self) -> str:
        """Stop the cluster; the copies are equal, and the file system's own program finds nothing wrong."""
        server = self.observer()
        server.api("cluster.stop", LATE_S)
        pair.await_stopped(self.lab, LATE_S)
        copies = [self._copy(machine) for machine in self.lab.servers]
        if len({copy for copy, _ in copies}) != 1:
            raise HarnessError(f"the copies differ: {copies}")
        return f"both copies are equal; {copies[0][1]}"

    def _copy(self, machine: Machine) -> tuple[str, str]:
        """Checksum of a copy, and what the file system's checker says of it, past twinset and read-only."""
        part = f"{machine.disk_path}-part2"
        checksum = machine.run(
            ["sh", "-c", f"blockdev --flushbufs {part}; sha256sum < {part}"], timeout_s=LATE_S
        ).stdout
        check = CHECKS[self.filesystem].format(device=part)
        result = machine.run(["sh", "-c", f"{check} 2>&1"], check=False, timeout_s=LATE_S)
        if not result.ok:
            raise HarnessError(f"{check} on {machine.name}: {result.stdout[-1000:]}")
        return checksum.split()[0], f"{check.split()[0]} finds it clean"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m harness.vagrant.cuts", description=__doc__)
    parser.add_argument("--filesystem", choices=sorted(CHECKS), default="ext4")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--scale", type=float, default=1.0, help="time scale of the cluster's time-outs")
    parser.add_argument("--disk-mib", type=int, default=384, help="xfs takes no less than 300")
    options = parser.parse_args()
    begun = now_s()
    try:
        with VagrantLab.create(scale=options.scale, disk_mib=options.disk_mib, name="cuts") as lab:
            rounds = Rounds(lab, options.filesystem)
            rounds.bring_up()
            print(f"{options.filesystem}: up after {now_s() - begun:.0f} s", flush=True)
            for number in range(1, options.times + 1):
                print(f"{number:3} {now_s() - begun:6.0f} s  {rounds.round(number)}", flush=True)
            print(
                f"{options.filesystem}: {options.times} power cuts, nothing lost; {rounds.finish()}",
                flush=True,
            )
    except HarnessError as error:
        print(f"cuts: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
