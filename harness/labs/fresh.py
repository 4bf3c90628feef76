"""Makes a virtual machine's twinset as if nobody had used it: blank disk, no cluster, no trace of a former one.

Softly, in the running machine, in seconds; or hard, with a power cut and a new image, where the machine is not in a
state for that (another size of disk, something that does not end). Both machines at once: emulated, each command takes
its time, and one machine keeps one processor busy.
"""

import base64
import secrets
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.errors import HarnessError
from harness.faults import partition_table
from harness.faults.disk import CLUSTER_BYTES, create_image
from harness.labs.machine import BOOT_S, Machine
from harness.topology import Topology
from harness.wait import wait_for

UNIT = "twinsetd.service"
STATE = ("systemctl", "is-system-running")
DROP_IN = "/etc/systemd/system/twinsetd.service.d/lab.conf"
SIGNATURE = 0x7E150000

# Everything of a former cluster goes, by force.
FORGET = f"""
systemctl kill --signal=KILL {UNIT}
systemctl stop {UNIT}
systemctl kill --kill-whom=all --signal=KILL {UNIT} 2>/dev/null
rm -rf /var/lib/twinset/* /etc/twinset/*
mkdir -p /etc/twinset/scripts
"""
# What a boot would end: devices, mounts, addresses, the run directory.
UNDO = """
set -e
for device in $(ls /sys/block | grep ^nbd); do
    if [ -e /sys/block/$device/pid ]; then nbd-client -d /dev/$device >/dev/null; fi
done
awk '$5 ~ "^/mnt/" {print $5}' /proc/self/mountinfo | sort -r | while read -r place; do umount -l "$place"; done
awk '$5 ~ "^/run/twinset/" {print $5}' /proc/self/mountinfo | while read -r place; do umount -l "$place"; done
! grep -q ' /mnt/' /proc/self/mountinfo
rm -rf /run/twinset /run/twinset-lab/*
"""


def each(machines: Sequence[Machine], work: Callable[[int, Machine], None]) -> None:
    """Do it on all machines at once; the first error is raised when all have ended."""
    with ThreadPoolExecutor(len(machines)) as pool:
        for _ in pool.map(work, range(len(machines)), machines):
            pass


def powered(machine: Machine) -> None:
    """Running, and its agent answers."""
    if machine.paused:
        machine.resume()

    def stays() -> bool:
        if not machine.powered:  # perhaps only since a moment ago: it was on its way down
            machine.boot()
        return machine.answers() and machine.run(STATE, check=False).stdout.strip() != "stopping"

    wait_for(stays, 2 * BOOT_S, f"{machine.name} to be up", poll_s=1.0)
    machine.await_up()


def forget(machine: Machine, key: str, scale: float) -> None:
    """No cluster any more; cluster key, the server's name, the lab's time scale. twinsetd does not run then."""
    machine.run(["sh", "-c", FORGET], timeout_s=120)
    machine.write_file("/etc/twinset/cluster.key", key + "\n", 0o600)
    machine.write_file("/etc/twinset/server", machine.name + "\n")
    # Emulated, on a busy machine, twinsetd took longer to start than systemd's usual 90 s.
    text = f"[Service]\nEnvironment=TWINSET_TIME_SCALE={scale!r}\nTimeoutStartSec=600\n"
    if machine.read_file(DROP_IN) != text:
        machine.write_file(DROP_IN, text)
        machine.run(["systemctl", "daemon-reload"], timeout_s=120)  # seconds


def soft(machine: Machine, topology: Topology, index: int) -> None:
    """Undo what twinset did, blank the disk, start; HarnessError when something does not go away."""
    addresses = "".join(
        f"ip -4 address flush dev {lan.name}\nip address add {lan.addresses[machine.name]} dev {lan.name}\n"
        for lan in topology.lans_of(machine.name)
    )
    machine.run(["sh", "-c", UNDO + addresses], timeout_s=60)
    size = machine.disk.size_bytes
    table = partition_table.encode(partition_table.plan(size, CLUSTER_BYTES, 1), SIGNATURE + index)
    device = machine.disk_path
    blank = f"dd if=/dev/zero of={device} bs=1M count={size >> 20} oflag=direct"
    text = base64.b64encode(table).decode()
    write = f"echo {text} | base64 -d | dd of={device} conv=notrunc,fsync; blockdev --flushbufs {device}"
    # udev looks at a disk whenever somebody has closed it after writing, unless it is locked: its look made it busy.
    quiet = ["sh", "-ec", f'udevadm settle --timeout=30; exec flock {device} sh -ec "$0"']
    machine.run([*quiet, f"{blank}; {write}; blockdev --rereadpt {device}"], timeout_s=150)
    machine.run(["sh", "-c", f"systemctl reset-failed && systemctl start --no-block {UNIT}"], timeout_s=120)


def both(machines: Sequence[Machine], topology: Topology, disk_mib: int, scale: float) -> None:
    """Both machines as after their first boot, twinsetd started."""
    key = secrets.token_hex(32)
    each(machines, lambda _, machine: powered(machine))
    each(machines, lambda _, machine: forget(machine, key, scale))
    if all(machine.disk.size_bytes == disk_mib << 20 for machine in machines):
        try:
            each(machines, lambda index, machine: soft(machine, topology, index))
        except HarnessError as error:
            print(f"the machines get new disks by a power cut: {error}", file=sys.stderr, flush=True)
        else:
            return
    hard(machines, disk_mib)


def hard(machines: Sequence[Machine], disk_mib: int) -> None:
    """Cut the power, put new images in, boot."""

    def renew(index: int, machine: Machine) -> None:
        machine.run(["sync"], timeout_s=120)
        machine.die()
        create_image(machine.disk.image, disk_mib, SIGNATURE + index)
        machine.boot()
        machine.await_up()

    each(machines, renew)
