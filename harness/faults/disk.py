"""A server's disk as the lab handles it: the image file, its partitions, and the process that serves it."""

import contextlib
import json
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import LabError
from harness.faults import partition_table
from harness.run import Process, kill_group, popen, run
from harness.wait import wait_for

PROGRAM = Path(__file__).with_name("disk_process.py")
CLUSTER_BYTES = 4 << 20


def create_image(path: Path, size_mib: int, signature: int, data_partitions: int = 1) -> None:
    """A sparse image with an MBR: CLUSTER first, the data partitions behind it."""
    size = size_mib << 20
    table = partition_table.encode(partition_table.plan(size, CLUSTER_BYTES, data_partitions), signature)
    with path.open("wb") as image:
        image.truncate(size)
        image.write(table)


def format_partition(path: Path, partition: partition_table.Partition, filesystem: str = "ext4") -> None:
    """Put a file system into a data partition of an image that no server is using."""
    run(
        ["mke2fs", "-q", "-F", "-t", filesystem, "-E", f"offset={partition.offset_bytes},lazy_itable_init=1",
         str(path), f"{partition.size_bytes // 1024}k"]
    )  # fmt: skip


@dataclass
class Disk:
    """One disk. ``path`` is what the server opens; ``image`` is what the lab reads when nobody writes."""

    image: Path
    path: Path
    control: Path | None = None
    data_partitions: int = 1
    process: Process | None = None
    pid: int = 0

    @property
    def size_bytes(self) -> int:
        """The size of the whole disk."""
        return self.image.stat().st_size

    @property
    def partitions(self) -> tuple[partition_table.Partition, ...]:
        """CLUSTER and the data partitions."""
        return partition_table.plan(self.size_bytes, CLUSTER_BYTES, self.data_partitions)

    def start(self, keeper_pid: int, env: dict[str, str]) -> None:
        """Serve the image in the lab's namespaces: the disk ends with the lab, not with its server."""
        if self.control is None:
            return
        self.path.touch()
        enter = ["nsenter", "--target", str(keeper_pid), "--mount", "--pid", "--net", "--"]
        argv = [
            sys.executable,
            "-I",
            "-S",
            str(PROGRAM),
            str(self.image),
            str(self.path),
            str(self.control),
            "volatile",
        ]
        log = self.control.with_suffix(".log")
        with log.open("w") as output:
            self.process = popen([*enter, *argv], stdout=output, stderr=output, env=env, cwd="/")

    def await_ready(self) -> None:
        """Return once the disk answers."""
        if self.control is None or self.process is None:
            return

        def answers() -> bool:
            if self.process is not None and self.process.poll() is not None and self.control is not None:
                raise LabError(
                    f"the disk process ended: {self.control.with_suffix('.log').read_text().strip()}"
                )
            with contextlib.suppress(OSError):
                return bool(self.order("stats")["ok"])
            return False

        wait_for(answers, 20, f"the disk {self.path.name} to answer", poll_s=0.005)

    def order(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Give the disk process an order and return its answer."""
        if self.control is None:
            raise LabError(
                "a plain image file has no faults to switch: create the lab with volatile_cache=True"
            )
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.settimeout(30)
            connection.connect(str(self.control))
            connection.send(json.dumps({"verb": verb, **arguments}).encode())
            answer: dict[str, Any] = json.loads(connection.recv(1 << 16))
        if not answer.pop("ok"):
            raise LabError(f"the disk refused {verb}: {answer['error']}")
        return {"ok": True, **answer}

    def lose_power(self, seed: int) -> dict[str, Any]:
        """What was not flushed is lost at random; a plain image loses nothing."""
        return {} if self.control is None else self.order("cut", seed=seed)

    def stop(self) -> None:
        """End the process; its mount goes with it."""
        if self.process is None:
            return
        with contextlib.suppress(LabError, OSError, ValueError):
            self.order("stop")
            with contextlib.suppress(Exception):
                self.process.wait(5)
        kill_group(self.process)
        self.process = None
