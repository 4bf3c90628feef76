"""md RAID1 over NBD as a peer: a local disk and one of the other server, mirrored by the kernel. Pure: commands only.

As mdadm(8) advises for a member behind a network: it is *write-mostly*, so reads come from the local disk, and a bitmap
keeps what has to be copied when it comes back. Every write waits for both. Nobody arbitrates: whoever assembles the
array has it.
"""

DEVICE = "/dev/md9"
NBD_DEVICE = "/dev/nbd15"
PORT = 10812
PID_FILE = "/run/twinset-md.pid"
TUNING = (
    "bitmap internal, the other server's member write-mostly; qemu-nbd --cache=none --aio=native behind it"
)


def serve(disk: str, address: str) -> list[str]:
    """On the other server: its disk for the array."""
    return [
        "qemu-nbd", "--format=raw", "--cache=none", "--aio=native", "--persistent", "--fork",
        f"--pid-file={PID_FILE}", f"--bind={address}", f"--port={PORT}", disk,
    ]  # fmt: skip


def begin(disk: str, address: str) -> list[list[str]]:
    """On the server that has the array: both disks are blank, so nothing has to be copied."""
    create = ["mdadm", "--create", DEVICE, "--run", "--level=1", "--raid-devices=2", "--assume-clean"]
    return [
        ["modprobe", "nbd"],
        ["nbd-client", address, str(PORT), NBD_DEVICE],
        [*create, "--bitmap=internal", disk, "--write-mostly", NBD_DEVICE],
    ]


def end(disk: str) -> list[list[str]]:
    """On the server that has it, also under the name that udev gave it; nothing of it stays to be found again."""
    return [
        ["mdadm", "--stop", "--scan"],
        ["nbd-client", "-d", NBD_DEVICE],
        ["mdadm", "--zero-superblock", disk],
    ]


def stop_serving() -> list[str]:
    """On the other one."""
    return ["sh", "-c", f"[ ! -e {PID_FILE} ] || kill $(cat {PID_FILE})"]
