"""Says exactly what this machine lacks for a lab, what that costs, and what still runs without it."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.run import run

# program -> the Debian package that brings it
PROGRAMS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "nft": "nftables",
    "mke2fs": "e2fsprogs",
    "losetup": "mount",
}
DEMO_PROGRAMS = {"psql": "postgresql-client-15", "fsck.ext4": "e2fsprogs", "nbdfuse": "nbdfuse"}
POSTGRES = "/usr/lib/postgresql/15/bin/postgres"


@dataclass(frozen=True)
class Need:
    """One thing that a lab needs. ``missing`` is empty when it is there."""

    name: str
    missing: str
    remedy: str
    for_demo_only: bool = False


def _root() -> str:
    return "" if os.geteuid() == 0 else "not root"


def _namespaces() -> str:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return "cannot be tried"
    trial = run(
        ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "true"],
        check=False,
        timeout_s=20,
    )
    return "" if trial.ok else trial.stderr.strip() or "unshare failed"


def _bridge() -> str:
    if _namespaces():
        return "cannot be tried"
    argv = ["unshare", "--net", "ip", "link", "add", "trial", "type", "bridge"]
    trial = run(argv, check=False, timeout_s=20)
    return "" if trial.ok else trial.stderr.strip()


def _fuse() -> str:
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse: {error.strerror}"
    return ""


def _loops() -> str:
    try:
        os.close(os.open("/dev/loop-control", os.O_RDWR))
    except OSError as error:
        return f"/dev/loop-control: {error.strerror}"
    return ""


CHECKS: tuple[tuple[str, Callable[[], str], str], ...] = (
    ("root", _root, "run as root (namespaces, mounts)"),
    ("namespaces", _namespaces, "a kernel and a container that allow unshare (docker: --privileged)"),
    ("bridges", _bridge, "a kernel with bridge and veth"),
    ("FUSE", _fuse, "a kernel with FUSE, and /dev/fuse passed into the container"),
    ("loop devices", _loops, "/dev/loop-control passed into the container"),
)


def needs() -> list[Need]:
    """Everything a lab and the demonstration need, with what is missing."""
    found = [Need(name, check(), remedy) for name, check, remedy in CHECKS]
    for programs, demo_only in ((PROGRAMS, False), (DEMO_PROGRAMS, True)):
        for program, package in programs.items():
            missing = (
                ""
                if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
                else "not found"
            )
            found.append(Need(program, missing, f"package {package}", demo_only))
    postgres = "" if Path(POSTGRES).exists() else f"{POSTGRES} not found"
    found.append(Need("PostgreSQL 15", postgres, "package postgresql-15", for_demo_only=True))
    return found


def missing(*, demo: bool = False) -> list[Need]:
    """What is missing for a lab, or for the demonstration too."""
    return [need for need in needs() if need.missing and (demo or not need.for_demo_only)]


def report(lacking: list[Need]) -> str:
    """The findings for a person, with what still runs."""
    if not lacking:
        return "Everything that a lab needs is here."
    lines = ["This machine cannot bring up a lab of two servers:"]
    lines += [f"  {need.name}: {need.missing}. Needed: {need.remedy}" for need in lacking]
    lines.append(
        "What still runs here: the unit tests, the simulations, `twinset check FILE`, and the static tier"
    )
    lines.append("of the conformance suite (configuration rules).")
    return "\n".join(lines)


def reason_to_skip() -> str:
    """One line for pytest, empty when labs run here."""
    lacking = missing()
    return "; ".join(f"{need.name}: {need.missing}" for need in lacking)
