"""Where libvirt runs: this machine's own, where one is set up, else one in namespaces that the run makes.

The second kind lives like a namespaces lab inside a *keeper* (labs/init.py): libvirtd, its bridges, dnsmasq and
the machines are in the keeper's network, mount and PID namespaces, libvirt's directories are the run's own. The
keeper's death is the end of all of them, so nothing can be left behind but files below one directory.
"""

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import LabError
from harness.labs.host import NAMESPACES, Init
from harness.labs.state import ProcessMark
from harness.run import Result, run
from harness.vagrant import inputs
from harness.wait import wait_for

SOCKET = Path("/run/libvirt/libvirt-sock")
URI = "qemu:///system"
INSIDE = "TWINSET_VMS_INSIDE"  # set in shells that are in the keeper already
OWN_DIRECTORIES = {
    "/etc/libvirt": "etc",
    "/var/lib/libvirt": "lib",
    "/var/cache/libvirt": "cache",
    "/var/log/libvirt": "log",
}
OF_A_RUN = ("run", "libvirt", "pool", "console", "vagrant")
QEMU_CONF = """user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
remember_owner = 0
"""


@dataclass(frozen=True)
class Place:
    """How to reach libvirt and its networks."""

    directory: Path
    keeper: ProcessMark | None  # None: this machine's own libvirt, or already inside

    @property
    def enter(self) -> list[str]:
        """The words before a command that has to run where libvirt runs."""
        if self.keeper is None:
            return []
        return ["nsenter", "--target", str(self.keeper.pid), *NAMESPACES, f"--wdns={Path.cwd()}", "--"]

    @property
    def uri(self) -> str:
        """What libvirt's clients outside connect to."""
        if self.keeper is None:
            return URI
        return f"qemu+unix:///system?socket=/proc/{self.keeper.pid}/root{SOCKET}"

    @property
    def environment(self) -> dict[str, str]:
        """What vagrant and virsh have to see; a machine with its own libvirt keeps Vagrant's usual places."""
        found = {
            "VAGRANT_DEFAULT_PROVIDER": "libvirt",
            "VAGRANT_CHECKPOINT_DISABLE": "1",
            "LIBVIRT_DEFAULT_URI": URI,
        }
        if self.keeper is not None:
            found |= {
                "VAGRANT_HOME": str(self.directory / "vagrant-home"),
                "VAGRANT_DOTFILE_PATH": str(self.directory / "vagrant"),
                INSIDE: "1",
            }
        return found

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        timeout_s: float = 120,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a command where libvirt runs."""
        return run(
            [*self.enter, *argv],
            check=check,
            timeout_s=timeout_s,
            env={**os.environ, **self.environment, **(env or {})},
        )


def _keeper_socket(directory: Path) -> Path:
    return directory / "run" / "keeper.sock"


def _state(directory: Path) -> Path:
    return directory / "run" / "keeper.json"


def libvirt_is_set_up() -> bool:
    """True when a libvirtd of this machine answers."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.connect(str(SOCKET))
        return True
    return False


def find(directory: Path | None = None) -> Place | None:
    """The place that runs now; None when there is none."""
    directory = directory or inputs.directory()
    if os.environ.get(INSIDE):
        return Place(directory, None)
    with contextlib.suppress(OSError, ValueError, TypeError):
        mark = ProcessMark(**json.loads(_state(directory).read_text()))
        if mark.alive:
            return Place(directory, mark)
    return Place(directory, None) if libvirt_is_set_up() else None


def make(directory: Path | None = None) -> Place:
    """The place that runs, or a new one: namespaces, and libvirtd in them."""
    directory = directory or inputs.directory()
    found = find(directory)
    if found is not None:
        return found
    if os.geteuid():
        raise LabError("no libvirt is set up here, and one in namespaces of its own needs root")
    if shutil.which("libvirtd", path="/usr/sbin:/usr/bin") is None:
        raise LabError("libvirt is not installed: make vms-setup")
    for name in OF_A_RUN:  # of one that ended without `make vms-down`, as with a boot of this machine
        shutil.rmtree(directory / name, ignore_errors=True)
    for name in ("run", "pool", "console", "vagrant-home"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    keeper = Init(_keeper_socket(directory))
    env = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
    }
    keeper.launch(
        [], {"role": "keeper", "name": "keeper", "binds": {}}, env, directory / "run" / "keeper.log"
    )
    keeper.order("own")
    place = Place(directory, keeper.mark)
    try:
        _furnish(place)
        _start_libvirt(place)
    except BaseException:
        keeper.kill()
        raise
    keeper.order("stay")
    if keeper.mark is not None:
        _state(directory).write_text(json.dumps(vars(keeper.mark)))
    return place


def _furnish(place: Place) -> None:
    """Libvirt's directories are the run's own; /sys shows the keeper's network."""
    config = place.directory / "libvirt" / "etc"
    shutil.copytree("/etc/libvirt", config, symlinks=True)
    shutil.rmtree(config / "qemu", ignore_errors=True)
    (config / "qemu.conf").write_text(QEMU_CONF)
    place.run(["mount", "-t", "sysfs", "sysfs", "/sys"])
    for target, name in OWN_DIRECTORIES.items():
        source = place.directory / "libvirt" / name
        source.mkdir(parents=True, exist_ok=True)
        if not Path(target).is_dir():
            raise LabError(f"{target} is missing: is libvirt-daemon-system installed?")
        place.run(["mount", "--bind", str(source), target])
    Path("/run/libvirt").mkdir(mode=0o755, exist_ok=True)
    place.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run/libvirt"])
    place.run(["ip", "link", "set", "lo", "up"])
    place.run(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"])


def _start_libvirt(place: Place) -> None:
    place.run(["libvirtd", "--daemon", "--pid-file", "/run/libvirt/libvirtd.pid"])
    wait_for(lambda: place.run(["virsh", "version"], check=False).ok, 60, "libvirtd to answer", poll_s=0.5)
    pool = str(place.directory / "pool")
    place.run(["virsh", "pool-create-as", "default", "dir", "--target", pool])


def end(place: Place) -> None:
    """End what the run made: everything in the namespaces dies with their first process."""
    if place.keeper is None:
        return
    keeper = Init(_keeper_socket(place.directory), mark=place.keeper)
    keeper.kill()
    for name in OF_A_RUN:
        shutil.rmtree(place.directory / name, ignore_errors=True)
    with contextlib.suppress(OSError):
        Path("/run/libvirt").rmdir()  # only when it is empty: nobody else's
