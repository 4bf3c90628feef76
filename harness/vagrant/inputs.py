"""What the box is made of, and the name that follows from it: the same inputs give the same name.

Pure but for reading the checkout's own files. Standard library only: the Vagrantfile asks at each command.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
SUITE = "bookworm"
PACKAGES = HERE / "box_packages.txt"
HOST_PACKAGES = HERE / "host_packages.txt"
# Raised by hand when the box has to be built anew though no file changed (say, for newer packages).
EDITION = "1"
IMAGE_MIB = 4096


def directory() -> Path:
    """Where boxes, disks and the run's own libvirt live; TWINSET_VMS_DIR moves it."""
    return Path(os.environ.get("TWINSET_VMS_DIR", "/var/tmp/twinset-vms"))


def packages(text: str) -> list[str]:
    """The package names of a list with comments."""
    words = (line.partition("#")[0].strip() for line in text.splitlines())
    return [word for word in words if word]


def digest(parts: Iterable[tuple[str, bytes]]) -> str:
    """A hash over named contents, whatever their order: name, length and bytes of each."""
    total = hashlib.sha256()
    for name, content in sorted(parts):
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()[:12]


def _contents(paths: Iterable[Path]) -> list[tuple[str, bytes]]:
    return [(str(path.relative_to(ROOT)), path.read_bytes()) for path in paths]


def base_key() -> str:
    """The key of the root file system before twinset is in it: packages and the way it is made."""
    made_by = [PACKAGES, HERE / "rootfs.py"]
    return digest([*_contents(made_by), ("edition", f"{EDITION} {SUITE}".encode())])


def wheel_key() -> str:
    """The key of the project's own wheel, as far as the machines run it: twinset itself, its unit, the writer."""
    sources = (ROOT / "impl/twinset").rglob("*.py")
    others = [
        ROOT / "harness/writer.py",
        ROOT / "pyproject.toml",
        ROOT / "setup.py",
        *(ROOT / "impl/systemd").glob("*"),
    ]
    return digest(_contents([*sources, *others]))


def box_key() -> str:
    """The key of the whole box."""
    made_by = [HERE / name for name in ("box.py", "guest.py", "image.py")]
    keys = f"{base_key()} {wheel_key()} {IMAGE_MIB}"
    return digest([*_contents([*made_by, ROOT / "harness/topology.py"]), ("keys", keys.encode())])


def box_name(key: str) -> str:
    """The name under which Vagrant knows the box."""
    return f"twinset-{SUITE}-{key}"


def box_file(key: str) -> Path:
    """Where the built box lies."""
    return directory() / "boxes" / f"{box_name(key)}.box"


def kernel_file() -> Path:
    """The kernel of the base system, beside the boxes: the check for a working KVM boots it."""
    return directory() / "boxes" / f"vmlinuz-{base_key()}"
