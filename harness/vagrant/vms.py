"""Brings the two machines up and takes them down: `make vms`, `make vms-down`, `make vms-shell`.

On a machine where libvirt is set up this is `vagrant up` and `vagrant destroy`. Elsewhere libvirt is started first,
in namespaces that end with `make vms-down`.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from harness.errors import HarnessError, LabError
from harness.run import call_foreground
from harness.vagrant import box, place, plan
from harness.wait import now_s


def up() -> None:
    """Box, libvirt, storage pool, `vagrant up`."""
    begun = now_s()
    built = box.build()
    where = place.make()
    print(f"vms: box {built.name}, libvirt {where.uri} ({now_s() - begun:.0f} s)", flush=True)
    _lifecycle(where, "up")
    print(f"vms: both machines are up after {now_s() - begun:.0f} s", flush=True)


def _lifecycle(where: place.Place, verb: str) -> None:
    """Run Vagrant on this terminal, where libvirt runs; LabError when it fails."""
    if find_spec("vagrant") is None:
        raise LabError("python-vagrant is not installed in this environment: make vms-setup")
    argv = [*where.enter, sys.executable, "-m", "harness.vagrant.lifecycle", verb]
    if call_foreground(argv, env={**os.environ, **where.environment}):
        raise LabError(f"{verb} failed")


def down() -> None:
    """Destroy the machines, then what the run made around them; raise LabError when something is left."""
    where = place.find()
    if where is None:
        print("vms: nothing runs")
        return
    begun = now_s()
    _lifecycle(where, "destroy")
    left = [*_domains(where), *_networks(where), *_disks(where)]
    place.end(where)
    left += leftovers(where)
    if left:
        raise LabError(f"left behind: {', '.join(left)}")
    print(f"vms: gone, nothing left behind ({now_s() - begun:.0f} s)")


def _domains(where: place.Place) -> list[str]:
    names = where.run(["virsh", "list", "--all", "--name"]).stdout.split()
    return [f"domain {name}" for name in names if name.startswith(plan.DOMAIN_PREFIX)]


def _networks(where: place.Place) -> list[str]:
    names = where.run(["virsh", "net-list", "--all", "--name"]).stdout.split()
    return [f"network {name}" for name in names if name.startswith("twinset-")]


def _disks(where: place.Place) -> list[str]:
    where.run(["virsh", "pool-refresh", plan.POOL], check=False)
    names = where.run(["virsh", "vol-list", plan.POOL], check=False).stdout.split()
    return [f"disk {name}" for name in names if name.startswith(plan.DOMAIN_PREFIX)]


def leftovers(where: place.Place) -> list[str]:
    """Processes that must not be there any more. Networks of libvirt go with it, bridges with their networks."""
    found = []
    if where.keeper is not None and where.keeper.alive:
        found.append(f"process {where.keeper.pid}")
    mark = str(where.directory)
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"qemu-system-x86_64") and any(mark.encode() in word for word in words):
                found.append(f"process {process.name}")
    return found


def shell(argv: list[str]) -> int:
    """A shell, or a command, where `vagrant`, `virsh` and `ssh` find the machines."""
    where = place.make()
    words = argv or [os.environ.get("SHELL", "/bin/bash")]
    path = (
        f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"  # pytest and python are the project's
    )
    environment = {**os.environ, **where.environment, "PATH": path}
    return call_foreground([*where.enter, *words], env=environment)


def main() -> int:
    """The command line."""
    try:
        match sys.argv[1:]:
            case ["up"]:
                up()
            case ["down"]:
                down()
            case ["shell", *argv]:
                return shell(argv)
            case _:
                print("up, down, or shell [COMMAND ...]", file=sys.stderr)
                return 2
    except HarnessError as error:
        print(f"vms: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
