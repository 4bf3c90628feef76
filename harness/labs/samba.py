"""Samba on a machine of the lab: `nmbd` as a name server or as another host with a name, `smbd` with a share.

Everything it writes lies in the machine's own directory; it ends with the machine's power at the latest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.labs import pair
from harness.labs.host import Host
from harness.labs.namespaces import Lab
from harness.run import Process, kill_group
from harness.wait import wait_for

PROGRAMS = ("nmbd", "nmblookup", "smbd", "smbclient")
_DIRECTORIES = ("lock", "state", "cache", "pid", "private", "ncalrpc")
_QUIET = {"local master": "no", "preferred master": "no", "domain master": "no", "workgroup": "LAB"}
UP_S = 30.0
REGISTRY_CONF = "/etc/twinset/smb.conf"
REGISTRY_STATE = "/var/lib/twinset/samba"


@dataclass
class Nmbd:
    """A running nmbd."""

    host: Host
    process: Process

    def stop(self) -> None:
        """End it; it releases what it has registered."""
        for pid in self.host.pids_of("nmbd"):
            self.host.run(["kill", str(pid)], check=False)
        kill_group(self.process)


def configuration(host: Host, interface: str, settings: Mapping[str, str]) -> str:
    """Write an smb.conf for that machine; return its path."""
    base = host.directory / "samba"
    base.mkdir(exist_ok=True)
    given = {"interfaces": interface, "bind interfaces only": "yes", **_QUIET, **settings}
    given |= {f"{kind} directory": str(base) for kind in _DIRECTORIES}
    file = base / "smb.conf"
    file.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in given.items()))
    host.run(["mkdir", "-p", "/run/samba"])
    return str(file)


def nmbd(host: Host, interface: str, **settings: str) -> Nmbd:
    """Start nmbd with settings of smb.conf (``netbios_name``), and wait until it answers its own name or is refused."""
    words = {key.replace("_", " "): value for key, value in settings.items()}
    file = configuration(host, interface, words)
    log = host.directory / "samba" / "nmbd.out"
    with log.open("w") as output:
        argv = ["nmbd", "--foreground", "--no-process-group", "-s", file, "-l", str(log.parent)]
        process = host.popen(argv, stdout=output, stderr=output)
    wait_for(lambda: _listens(host), UP_S, f"nmbd on {host.name} to listen", poll_s=0.05)
    return Nmbd(host, process)


def share_scripts(lab: Lab, share: str, path: str) -> tuple[str, str]:
    """Put start and stop scripts on both servers that share a directory while a group runs; return their paths."""
    conf = ["[global]", "map to guest = bad user", "load printers = no", "disable netbios = yes"]
    conf += [f"{kind} directory = /run/samba" for kind in _DIRECTORIES]
    conf += [f"[{share}]", f"path = {path}", "guest ok = yes", "read only = yes"]
    for server in lab.servers:
        (server.etc_directory / "smb.conf").write_text("\n".join(conf) + "\n")
    start = "#!/bin/sh\n[ $ARMS_EVENT = RECOVER ] || {\n  mkdir -p /run/samba\n"
    start += "  smbd --daemon -s /etc/twinset/smb.conf -l /run/samba\n}\n"
    stop = "#!/bin/sh\nkill $(cat /run/samba/smbd.pid)\n"
    return pair.install_script(lab, "share-start", start), pair.install_script(lab, "share-stop", stop)


def registry_share_scripts(lab: Lab) -> tuple[str, str]:
    """As `share_scripts`, with the shares in each server's own registry instead of the file."""
    conf = ["[global]", "map to guest = bad user", "load printers = no", "disable netbios = yes"]
    conf += [f"{kind} directory = {REGISTRY_STATE}" for kind in _DIRECTORIES]
    conf += ["registry shares = yes"]
    for server in lab.servers:
        (server.etc_directory / "smb.conf").write_text("\n".join(conf) + "\n")
        (server.state_directory / "samba").mkdir()
    start = "#!/bin/sh\n[ $ARMS_EVENT = RECOVER ] || {\n  mkdir -p /run/samba\n"
    start += f"  smbd --daemon -s {REGISTRY_CONF} -l {REGISTRY_STATE}\n}}\n"
    stop = f"#!/bin/sh\nkill $(cat {REGISTRY_STATE}/smbd.pid)\n"
    return pair.install_script(lab, "share-start", start), pair.install_script(lab, "share-stop", stop)


def _listens(host: Host) -> bool:
    printed = host.run(["ss", "-Huan", "sport", "=", ":137"], check=False).stdout
    return len(printed.splitlines()) >= len(("all addresses", "own", "broadcast"))
