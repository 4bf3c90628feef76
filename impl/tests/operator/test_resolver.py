"""The order of a server's own addresses: as printed, and as the system's resolver then has it."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.run import run
from impl.tests.samples import TWO_SERVERS
from twinset.config import loads
from twinset.errors import Refusal
from twinset.operator import resolver
from twinset.operator.cli import app

CONFIG = loads(
    TWO_SERVERS.replace('name = "server1"\n', 'name = "server1"\nfixed_addresses = ["10.0.9.1/24"]\n', 1)
)
ORDERS = {"": ["10.0.1.1", "10.0.2.1", "10.0.9.1"], "ic1": ["10.0.2.1", "10.0.1.1", "10.0.9.1"]}
LOOK = """
import socket
print(*socket.gethostbyname_ex("server1")[2])
print(*dict.fromkeys(entry[4][0] for entry in socket.getaddrinfo("server1", 80, socket.AF_INET)))
"""


@pytest.mark.parametrize("first", ORDERS)
def test_addresses_are_in_order(first: str) -> None:
    """A public LAN first, or the LAN that is wanted; then the others, then fixed addresses."""
    assert resolver.addresses(CONFIG, "server1", first) == ORDERS[first]


def test_an_unknown_lan_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(Refusal, match="no LAN moon; there are public, ic1"):
        resolver.addresses(CONFIG, "server1", "moon")


def test_the_command_prints_each_file_under_its_path(tmp_path: Path) -> None:
    """So that it can be put where it belongs."""
    (tmp_path / "cluster.toml").write_text(TWO_SERVERS)
    printed = CliRunner().invoke(
        app, ["resolver", str(tmp_path / "cluster.toml"), "SERVER2", "--first", "ic1"]
    )
    assert printed.exit_code == 0, printed.output
    assert re.findall(r"^# (.*)$", printed.output, re.MULTILINE) == [
        "/etc/hosts",
        "/etc/host.conf",
        "/etc/gai.conf",
    ]
    assert "10.0.2.2 server2\n10.0.1.2 server2\n" in printed.output


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and namespaces")
@pytest.mark.parametrize("first", ORDERS)
def test_the_systems_resolver_keeps_the_order(first: str, tmp_path: Path) -> None:
    """Old programs (gethostbyname) and new ones (getaddrinfo) get the same address first, where all of them are."""
    lines = ["set -e", "ip link set lo up"]
    lines += [f"ip address add {address}/24 dev lo" for address in sorted(ORDERS[first])]
    for path, text in resolver.files(CONFIG, "server1", first).items():
        ours = tmp_path / Path(path).name
        ours.write_text(text)
        lines.append(f"[ -e {path} ] || exit 77; mount --bind {ours} {path}")
    (tmp_path / "nsswitch.conf").write_text("hosts: files\n")
    lines.append(f"mount --bind {tmp_path}/nsswitch.conf /etc/nsswitch.conf")
    lines.append(f"exec {sys.executable} -I -c '{LOOK}'")
    argv = ["unshare", "--net", "--mount", "sh", "-c", "\n".join(lines)]
    ran = run(argv, check=False)
    if ran.returncode == 77:
        pytest.skip("needs /etc/gai.conf, /etc/hosts and /etc/host.conf to mount over")
    assert ran.returncode == 0, ran.stderr
    by_name, by_info = (line.split() for line in ran.stdout.splitlines())
    assert by_name == ORDERS[first]
    assert by_info[0] == ORDERS[first][0]


def test_floating_addresses_are_not_the_servers_own() -> None:
    """They would be wrong as soon as their group is elsewhere."""
    group = '\n[[group]]\nname = "db"\npolicy = ["server1"]\n[[group.floating_ip]]\naddress = "10.0.1.100"\n'
    found = resolver.files(loads(TWO_SERVERS + group), "server1", "")
    assert "10.0.1.100" not in "".join(found.values())
