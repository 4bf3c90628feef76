"""Makes a virtual machine's twinset as if nobody had used it: blank disk, no cluster, no trace of a former one.

Softly, in the running machine, in seconds; or hard, with a power cut and a new image, where the machine is not in a
state for that (no power, another size of disk, something that does not end).
"""

import base64
import secrets
from collections.abc import Sequence

from harness.errors import HarnessError
from harness.faults import partition_table
from harness.faults.disk import CLUSTER_BYTES, create_image
from harness.labs.machine import Machine
from harness.topology import Topology

UNIT = "twinsetd.service"
DROP_IN = "/etc/systemd/system/twinsetd.service.d/lab.conf"
SIGNATURE = 0x7E150000

# Everything of a former cluster goes, by force.
FORGET = f"""
systemctl kill --signal=KILL {UNIT}
systemctl stop {UNIT}
systemctl kill --kill-whom=all --signal=KILL {UNIT} 2>/dev/null
rm -rf /var/lib/twinset/* /etc/twinset/* {DROP_IN}
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


def identity(machine: Machine, key: str, scale: float) -> None:
    """The cluster key, the server's name, the lab's time scale; twinsetd does not run meanwhile."""
    machine.write_file("/etc/twinset/cluster.key", key + "\n", 0o600)
    machine.write_file("/etc/twinset/server", machine.name + "\n")
    # Emulated, on a busy machine, twinsetd took longer to start than systemd's usual 90 s.
    text = f"[Service]\nEnvironment=TWINSET_TIME_SCALE={scale!r}\nTimeoutStartSec=600\n"
    machine.write_file(DROP_IN, text)


def soft(machine: Machine, topology: Topology, index: int) -> None:
    """Undo what twinset did, blank the disk; HarnessError when something does not go away."""
    machine.run(["sh", "-c", UNDO], timeout_s=60)
    for lan in topology.lans_of(machine.name):
        machine.run(["ip", "-4", "address", "flush", "dev", lan.name])
        machine.run(["ip", "address", "add", lan.addresses[machine.name], "dev", lan.name])
    size = machine.disk.size_bytes
    table = partition_table.encode(partition_table.plan(size, CLUSTER_BYTES, 1), SIGNATURE + index)
    device = machine.disk_path
    blank = ["dd", "if=/dev/zero", f"of={device}", "bs=1M", f"count={size >> 20}", "oflag=direct"]
    machine.run(blank, timeout_s=120)
    text = base64.b64encode(table).decode()
    write = f"echo {text} | base64 -d | dd of={device} conv=notrunc,fsync; blockdev --flushbufs {device}"
    machine.run(["sh", "-c", f"{write}; blockdev --rereadpt {device}"], timeout_s=60)


def both(machines: Sequence[Machine], topology: Topology, disk_mib: int, scale: float) -> None:
    """Both machines as after their first boot, twinsetd started."""
    key = secrets.token_hex(32)
    softly = all(machine.powered and not machine.paused for machine in machines)
    softly = softly and all(machine.disk.size_bytes == disk_mib << 20 for machine in machines)
    for machine in machines:
        if machine.paused:
            machine.resume()
        if not machine.powered:
            machine.boot()
    for machine in machines:
        machine.await_up()
        machine.run(["sh", "-c", FORGET], timeout_s=120)
        identity(machine, key, scale)
    if softly:
        try:
            for index, machine in enumerate(machines):
                soft(machine, topology, index)
            for machine in machines:
                start = "systemctl daemon-reload && systemctl reset-failed && systemctl start --no-block"
                machine.run(["sh", "-c", f"{start} {UNIT}"], timeout_s=120)
        except HarnessError:
            pass
        else:
            return
    hard(machines, disk_mib)


def hard(machines: Sequence[Machine], disk_mib: int) -> None:
    """Cut the power, put new images in, boot."""
    for index, machine in enumerate(machines):
        machine.run(["sync"], timeout_s=120)
        machine.die()
        create_image(machine.disk.image, disk_mib, SIGNATURE + index)
    for machine in machines:
        machine.boot()
    for machine in machines:
        machine.await_up()
