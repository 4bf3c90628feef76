"""What a server sees of itself: of this machine what every machine has, of the rest what was captured."""

import asyncio
from pathlib import Path

import pytest

from twinset.config.cluster import ClusterConfig, EventRule
from twinset.shell import server_facts as module

# `nft --json list ruleset` of nftables 1.0.6, shortened to what is read.
RULESET = [
    {"metainfo": {"version": "1.0.6"}},
    {"chain": {"family": "inet", "table": "filter", "name": "input", "hook": "input", "policy": "accept"}},
    {"chain": {"family": "inet", "table": "filter", "name": "output", "hook": "output", "policy": "drop"}},
    {"chain": {"family": "ip", "table": "strict", "name": "in", "hook": "input", "policy": "drop"}},
    {"chain": {"family": "inet", "table": "filter", "name": "helper"}},
    {"rule": {"family": "inet", "table": "filter", "chain": "helper", "expr": [{"drop": None}]}},
]
DROPS = {
    "rule": {
        "family": "inet",
        "table": "filter",
        "chain": "input",
        "expr": [{"match": {"op": "==", "left": {}, "right": 22}}, {"drop": None}],
    }
}


def config(directory: Path, **group: object) -> ClusterConfig:
    document = {
        "cluster": {"name": "demo"},
        "server": [{"name": "server1"}, {"name": "server2"}],
        "lan": [
            {
                "name": "public",
                "roles": ["public"],
                "endpoints": [
                    {"server": "server1", "interface": "lo", "address": "127.0.0.1/8"},
                    {"server": "server2", "interface": "nothing0", "address": "127.0.0.2/8"},
                ],
            }
        ],
        "mirror_set": [
            {
                "name": "set1",
                "disks": [
                    {"server": name, "path": str(directory / "disk")} for name in ("server1", "server2")
                ],
                "partitions": [{"number": 2, "letter": "E"}],
            }
        ],
        "group": [{"name": "db", "policy": ["server1"], **group}],
    }
    return ClusterConfig.model_validate(document, strict=False)


def test_chains_that_may_drop_on_input_are_named() -> None:
    """By their policy or by a rule of their own; output and chains of no hook are none."""
    assert module.dropping_chains(RULESET) == ("ip strict in",)
    assert module.dropping_chains([*RULESET, DROPS]) == ("inet filter input", "ip strict in")
    assert module.dropping_chains([]) == ()


def test_a_server_looks_at_itself(tmp_path: Path) -> None:
    """Its own interface, its scripts with the commands in them, why a disk cannot be looked at."""
    start = tmp_path / "start"
    start.write_text("#!/bin/sh\nArmLoad W1 armwhsr //a/b 10.0.0.1\n# charm and army are words\n")
    start.chmod(0o755)
    script = {"start": str(start), "stop": str(tmp_path / "missing")}
    rules = (
        EventRule(name="a", file=str(start), match="x"),
        EventRule(name="b", file=script["stop"], match="x"),
        EventRule(name="c", event="disk_lost"),
    )
    made = config(tmp_path, script=[script]).model_copy(update={"event_rules": rules})
    found = asyncio.run(module.gather(made, "server1", tmp_path))
    assert found.watched_logs == {str(start): True, script["stop"]: False}
    assert found.server == "server1"
    assert found.memory_kib > 0
    assert found.processors > 0
    assert list(found.nics) == ["lo"]
    assert "127.0.0.1/8" in found.nics["lo"].addresses
    assert found.nics["lo"].up
    assert found.nics["lo"].rx_ring_max == 0
    assert found.scripts[str(start)].commands == ("ARMLOAD", "ARMWHSR")
    assert found.scripts[str(start)].executable
    assert found.scripts[script["stop"]] == module.ScriptFile()
    assert "No such file" in found.disk_trouble[str(tmp_path / "disk")]
    assert found.processes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[global]\n wins server = 10.0.1.1, 10.0.1.2\n", ("10.0.1.1", "10.0.1.2")),
        ("[global]\nWINS Server=10.0.1.53\n", ("10.0.1.53",)),
        ("[global]\n; wins server = 10.0.1.1\nwins support = yes\n", ()),
        ("wins server = 10.0.1.1\nwins server =\n", ()),
        ("", ()),
    ],
)
def test_the_name_servers_of_samba_are_read(text: str, expected: tuple[str, ...]) -> None:
    """The last setting counts; comments and other settings do not."""
    assert module.name_servers_in(text) == expected


def test_interfaces_are_those_of_the_server(tmp_path: Path) -> None:
    """The other server's interface is not looked for here, and one that is not there has no entry."""
    found = asyncio.run(module.gather(config(tmp_path), "server2", tmp_path))
    assert found.nics == {}


def test_programs_follow_the_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be mounted for want of a program is told before."""
    monkeypatch.setattr(module.shutil, "which", lambda name: None if name.startswith("mkfs") else name)
    mounts = [{"letter": "E", "path": "/mnt/db", "filesystem": "xfs"}]
    disk = [{"set": "set1", "mounts": mounts}]
    found = asyncio.run(module.gather(config(tmp_path, mirror_disk=disk), "server1", tmp_path))
    assert found.missing_programs == ("mkfs.xfs",)


def test_apt_that_asks_before_it_installs_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the lines that `twinset upgrade guard` prints; where there is no apt, nobody has to ask (AUX-02)."""
    from twinset.operator.maintenance_cli import GUARD

    monkeypatch.setattr(module, "APT", tmp_path / "none")
    assert module._packages_guarded()
    monkeypatch.setattr(module, "APT", tmp_path)
    (tmp_path / "01autoremove").write_text("APT { };\n")
    assert not module._packages_guarded()
    (tmp_path / "90twinset").write_text(GUARD.format(program="/opt/twinset/bin/twinset"))
    assert module._packages_guarded()


def test_programs_follow_the_printers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The print scheduler and its tools are needed where a group has a printer only; journalctl likewise."""
    printer = [{"spool": "/mnt/db/spool", "queues": [{"name": "q", "device": "socket://10.0.1.60"}]}]
    programs = [set(module._programs(config(tmp_path, **group))) for group in ({}, {"printer": printer})]
    assert programs[1] - programs[0] == {"cupsd", "lpadmin", "lpstat"}
    rule = EventRule(name="r", journal="*", match="x")
    watched = config(tmp_path).model_copy(update={"event_rules": (rule,)})
    assert set(module._programs(watched)) - programs[0] == {"journalctl"}
