"""Does KVM work here? Not "does /dev/kvm open": a kernel is booted with it.

There are machines whose /dev/kvm opens and creates virtual machines in which a stock kernel hangs right after the
boot loader. So the box's own kernel is started without a disk: where it gets as far as missing its root file
system it says so on the console, and QEMU ends. The answer is kept for this boot of the machine.
"""

import contextlib
import json
import os
from pathlib import Path

from harness.errors import CommandFailed
from harness.run import run
from harness.vagrant import inputs

DEVICE = Path("/dev/kvm")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TRIAL_S = 20.0  # it needs one or two where it works
ALIVE = ("Kernel panic - not syncing", "VFS: Cannot open root device")
QEMU = "qemu-system-x86_64"


def trial_argv(kernel: Path) -> list[str]:
    """QEMU with that kernel and nothing else; the kernel's panic ends it."""
    return [
        QEMU, "-accel", "kvm", "-cpu", "host", "-m", "192", "-nodefaults", "-no-user-config", "-display", "none",
        "-no-reboot", "-serial", "stdio", "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1 root=/dev/none",
    ]  # fmt: skip


def booted(console: str) -> bool:
    """True when the console shows a kernel that came to its own end, not just the boot loader."""
    return any(sentence in console for sentence in ALIVE)


def works(kernel: Path | None = None, cache: Path | None = None) -> bool:
    """True when a kernel boots under KVM here; False also when it cannot be tried."""
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return False
    kernel = kernel or _kernel()
    if kernel is None or not kernel.exists():
        return False
    cache = cache or inputs.directory() / "kvm.json"
    key = f"{BOOT_ID.read_text().strip()} {kernel.name}"
    known = remembered(cache, key)
    if known is not None:
        return known
    try:
        found = booted(run(trial_argv(kernel), check=False, timeout_s=TRIAL_S).stdout)
    except (CommandFailed, OSError):
        found = False
    with contextlib.suppress(OSError):
        cache.write_text(json.dumps({"key": key, "works": found}))
    return found


def _kernel() -> Path | None:
    """The box's kernel; before the first box this machine's own."""
    if inputs.kernel_file().exists():
        return inputs.kernel_file()
    return next((path for path in sorted(Path("/boot").glob("vmlinuz*")) if os.access(path, os.R_OK)), None)


def remembered(cache: Path, key: str) -> bool | None:
    """An earlier answer for the same kernel in this boot of the machine; None when there is none."""
    with contextlib.suppress(OSError, ValueError):
        body = json.loads(cache.read_text())
        if isinstance(body, dict) and body.get("key") == key:
            return bool(body.get("works"))
    return None
