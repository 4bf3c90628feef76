"""The root file system of the box before twinset is in it: distribution packages and nothing else, as a tar."""

import os
from collections.abc import Sequence
from pathlib import Path

from harness.run import run
from harness.vagrant import guest, inputs

# Documentation and translations are of no use in the machines.
DPKG_OPTIONS = (
    "path-exclude=/usr/share/man/*", "path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/info/*",
)  # fmt: skip
EPOCH_S = 1735689600  # of every file that the making itself leaves behind
BUILD_S = 1800


def argv(packages: Sequence[str], target: Path, mirror: str = "") -> list[str]:
    """The mmdebstrap command; the initramfs is told beforehand which modules to hold, or it takes all."""
    return [
        "mmdebstrap", "--mode=root", "--variant=apt", "--format=tar", f"--include={','.join(packages)}",
        *(f"--dpkgopt={option}" for option in DPKG_OPTIONS),
        '--aptopt=APT::Install-Recommends "false"',
        f"--essential-hook={_initramfs_hook()}",
        inputs.SUITE, str(target), *([mirror] if mirror else []),
    ]  # fmt: skip


def _initramfs_hook() -> str:
    modules = "\\n".join(guest.INITRAMFS_MODULES)
    return (
        'mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d" && '
        'printf "MODULES=list\\nRESUME=none\\n" > "$1/etc/initramfs-tools/conf.d/twinset" && '
        f'printf "{modules}\\n" > "$1/usr/share/initramfs-tools/modules.d/twinset"'
    )


def build(target: Path) -> None:
    """Make the tar; needs root and a Debian mirror (TWINSET_BOX_MIRROR, else the distribution's own)."""
    packages = inputs.packages(inputs.PACKAGES.read_text())
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH_S)}
    part = target.with_name(target.name + ".part.tar")
    mirror = os.environ.get("TWINSET_BOX_MIRROR", "")
    try:
        run(argv(packages, part, mirror), timeout_s=BUILD_S, env=environment)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
