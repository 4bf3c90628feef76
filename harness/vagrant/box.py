"""Builds the box from distribution packages and the project's own wheel, and tells its name.

    python -m harness.vagrant.box            build what is missing, print the file
    python -m harness.vagrant.box name       its name under Vagrant
    python -m harness.vagrant.box file       where it lies (or will)
    python -m harness.vagrant.box provision  what the provisioner of a public box copies into the machines

Three layers, each kept under a hash of its inputs: packages (a tar), wheels (a directory), the box.
"""

import contextlib
import fcntl
import json
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.errors import LabError
from harness.run import run
from harness.topology import Topology, default
from harness.vagrant import guest, image, inputs, rootfs
from harness.wait import now_s

OWN_VENV = "opt/twinset"
WHEELS = "opt/twinset-wheels"
BUILD_S = 1800
KEPT = 3
TOOLS = ("mmdebstrap", "grub-mkimage", "mke2fs", "qemu-img", "tar", "chroot")
# What every machine makes for itself, or what changes from build to build.
NOT_SHIPPED = (
    "etc/ssh/ssh_host_*", "var/lib/postgresql/*/main", "etc/postgresql/*", "var/lib/systemd/random-seed",
    "var/log/*.log", "var/log/*/*", "var/cache/apt/*.bin", "var/lib/apt/lists/*", "var/cache/ldconfig/*",
)  # fmt: skip
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
BOX_VAGRANTFILE = """Vagrant.configure("2") do |config|
  config.ssh.insert_key = false
  config.vm.synced_folder ".", "/vagrant", disabled: true
end
"""


def build() -> Path:
    """Return the box, built when it is missing. Builds wait for each other."""
    key = inputs.box_key()
    target = inputs.box_file(key)
    with _alone(target.parent):
        if not target.exists():
            _require_tools()
            base = _base(target.parent)
            wheels = _wheels(target.parent)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix="making-") as folder:
                _assemble(Path(folder), base, wheels, target)
            prune(target.parent)
    return target


def prune(folder: Path) -> None:
    """Keep the newest few of each layer: a change of a line of twinset makes a new box."""
    for pattern in ("twinset-*.box", "wheels-*", "base-*.tar", "vmlinuz-*"):
        found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in found[KEPT:]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()


def _require_tools() -> None:
    lacking = [
        tool for tool in TOOLS if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None
    ]
    if lacking or os.geteuid():
        why = f"missing: {', '.join(lacking)}" if lacking else "not root"
        raise LabError(
            f"the box cannot be built here ({why}); `make vms-setup` installs what is needed, as root"
        )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def provision() -> Path:
    """The directory that the provisioner copies into a public box: package list, files, wheels."""
    target = inputs.directory() / "provision"
    with _alone(inputs.directory() / "boxes"):
        wheels = _wheels(inputs.directory() / "boxes")
        shutil.rmtree(target, ignore_errors=True)
        for name, text in guest.provisioned(default()).items():
            file = target / "root" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        unit = target / "root/etc/systemd/system/twinsetd.service"
        unit.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(inputs.ROOT / "impl/systemd/twinsetd.service", unit)
        shutil.copy(inputs.PACKAGES, target / inputs.PACKAGES.name)
        shutil.copytree(wheels, target / "wheels")
    return target


def _step(text: str, begun: float) -> None:
    print(f"box: {text} ({now_s() - begun:.0f} s)", file=sys.stderr, flush=True)


def _base(folder: Path) -> Path:
    """The tar of the packages alone."""
    base = folder / f"base-{inputs.base_key()}.tar"
    if not base.exists():
        begun = now_s()
        rootfs.build(base)
        _step("packages", begun)
    return base


def _wheels(folder: Path) -> Path:
    """A directory with the project's wheel, compiled, and those of its dependencies."""
    wheels = folder / f"wheels-{inputs.wheel_key()}"
    if not wheels.is_dir():
        begun = now_s()
        part = Path(tempfile.mkdtemp(dir=folder, prefix="making-"))
        try:
            # From a copy: setuptools leaves its traces beside what it builds.
            for name in ("impl", "harness", "conformance", "perf"):
                shutil.copytree(
                    inputs.ROOT / name, part / "tree" / name, ignore=shutil.ignore_patterns("__pycache__")
                )
            for name in ("pyproject.toml", "setup.py", "README.md"):
                shutil.copy(inputs.ROOT / name, part / "tree" / name)
            pip = [
                sys.executable,
                "-m",
                "pip",
                "wheel",
                "-q",
                "--no-build-isolation",
                "--wheel-dir",
                str(part / "out"),
            ]
            run([*pip, str(part / "tree")], timeout_s=BUILD_S)
            (part / "out").replace(wheels)
        finally:
            shutil.rmtree(part)
        _step("wheels", begun)
    return wheels


def _assemble(folder: Path, base: Path, wheels: Path, target: Path) -> None:
    """Root file system, image, box."""
    begun = now_s()
    root = folder / "root"
    root.mkdir()
    run(
        ["tar", "--extract", "--numeric-owner", "--xattrs", "--file", str(base), "--directory", str(root)],
        timeout_s=BUILD_S,
    )
    populate(root, wheels, default())
    shutil.copy(
        (root / "vmlinuz").resolve() if (root / "vmlinuz").exists() else _kernel(root), inputs.kernel_file()
    )
    _step("root file system", begun)
    begun = now_s()
    raw = folder / "box.raw"
    image.write(raw, root, inputs.IMAGE_MIB, rootfs.EPOCH_S)
    disk = folder / "box.img"
    run(
        ["qemu-img", "convert", "-c", "-O", "qcow2", "-o", "compression_type=zstd", str(raw), str(disk)],
        timeout_s=BUILD_S,
    )
    raw.unlink()
    pack(folder, target)
    _step(f"image of {target.stat().st_size >> 20} MiB", begun)


def _kernel(root: Path) -> Path:
    found = sorted((root / "boot").glob("vmlinuz-*"))
    if not found:
        raise LabError("the box has no kernel")
    return found[-1]


def populate(root: Path, wheels: Path, topology: Topology) -> None:
    """What makes a plain Debian a server of the lab."""
    for name, text in guest.files(topology).items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for service in guest.MASKED:
        link = root / "etc/systemd/system" / service
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    _install(root, wheels)
    _let_vagrant_in(root)
    for pattern in NOT_SHIPPED:
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    (root / "etc/machine-id").write_text("")


def _in(root: Path, *argv: str) -> None:
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "SOURCE_DATE_EPOCH": str(rootfs.EPOCH_S),
    }
    run(["chroot", str(root), *argv], timeout_s=BUILD_S, env=environment)


def _install(root: Path, wheels: Path) -> None:
    """Install twinset as its users do: a virtual environment, the wheel, the unit."""
    shutil.copytree(wheels, root / WHEELS)
    _in(root, "python3", "-m", "venv", f"/{OWN_VENV}")
    pip = [f"/{OWN_VENV}/bin/python", "-m", "pip", "install", "-q", "--no-index", "--no-cache-dir"]
    _in(root, *pip, f"--find-links=/{WHEELS}", "twinset")
    for command in (root / OWN_VENV / "bin").iterdir():
        if command.name.startswith(("twinset", "ARM", "arm")):
            (root / "usr/local/bin" / command.name).symlink_to(f"/{OWN_VENV}/bin/{command.name}")
    unit = root / "etc/systemd/system/twinsetd.service"
    shutil.copy(root / OWN_VENV / "lib/systemd/system/twinsetd.service", unit)
    _in(root, "systemctl", "enable", "twinsetd.service", "systemd-networkd.service")


def vagrant_key() -> str:
    """The public half of the well-known key that Vagrant logs in with."""
    places = (
        "/usr/share/rubygems-integration/all/gems/vagrant-*/keys",
        "/opt/vagrant/embedded/gems/gems/vagrant-*/keys",
    )
    for place in places:
        for file in Path("/").glob(f"{place[1:]}/vagrant.pub"):
            return file.read_text().strip() + "\n"
    raise LabError("Vagrant is not installed here: its public key is missing")


def _let_vagrant_in(root: Path) -> None:
    _in(root, "useradd", "--create-home", "--shell", "/bin/bash", "--password", "*", "vagrant")
    for home in ("root", "home/vagrant"):
        keys = root / home / ".ssh" / "authorized_keys"
        keys.parent.mkdir(mode=0o700, exist_ok=True)
        keys.write_text(vagrant_key())
    _in(root, "chown", "-R", "vagrant:vagrant", "/home/vagrant/.ssh")
    (root / "etc/sudoers.d/vagrant").chmod(0o440)
    drop_in = root / "etc/systemd/system/ssh.service.d/host-key.conf"
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    make = f"/bin/sh -c 'test -s {HOST_KEY} || ssh-keygen -q -t ed25519 -N \"\" -f {HOST_KEY}'"
    drop_in.write_text(f"[Service]\nExecStartPre=\nExecStartPre={make}\n")
    with (root / "etc/ssh/sshd_config.d/vagrant.conf").open("a") as config:
        config.write(f"HostKey {HOST_KEY}\n")


def pack(folder: Path, target: Path) -> None:
    """The three files of a box of vagrant-libvirt, in one tar."""
    metadata = {"provider": "libvirt", "format": "qcow2", "virtual_size": -(-inputs.IMAGE_MIB // 1024)}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    (folder / "Vagrantfile").write_text(BOX_VAGRANTFILE)
    part = target.with_name(target.name + ".part")
    with tarfile.open(part, "w") as box:
        for name in ("metadata.json", "Vagrantfile", "box.img"):
            box.add(folder / name, name)
    part.replace(target)


def main() -> int:
    """The command line."""
    match sys.argv[1:]:
        case ["name"]:
            print(inputs.box_name(inputs.box_key()))
        case ["file"]:
            print(inputs.box_file(inputs.box_key()))
        case [] | ["provision"]:
            try:
                print(provision() if sys.argv[1:] else build())
            except LabError as error:
                print(f"box: {error}", file=sys.stderr)
                return 1
        case other:
            print(f"unknown: {' '.join(other)}; name, file, provision, or nothing", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
