"""TOML in, findings or a model out; a model in, TOML out."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.config import ConfigError, check_file, check_text, dump, load, loads
from twinset.config.cluster import Account, ClusterConfig, ClusterSettings, Group, MirrorDisk, Mount, Script

Build = Callable[[dict[str, Any]], dict[str, Any]]

MINIMAL = """
[cluster]
name = "demo"
[[server]]
name = "server1"
[[server]]
name = "server2"
[[lan]]
name = "ic1"
roles = ["public", "interconnect"]
endpoints = [
  {server="server1", interface="eth0", address="10.0.1.1/24"},
  {server="server2", interface="eth0", address="10.0.1.2/24"},
]
[[lan]]
name = "ic2"
roles = ["interconnect", "mirror"]
endpoints = [
  {server="server1", interface="eth1", address="10.0.2.1/24"},
  {server="server2", interface="eth1", address="10.0.2.2/24"},
]
"""


def test_minimal_file_is_loaded_with_the_defaults_of_the_guide() -> None:
    """What a file does not say has the guide's defaults."""
    config = loads(MINIMAL + '[[group]]\nname = "db"\npolicy = ["server1"]\n')
    group = config.group("db")
    assert (group.startup, group.failover, group.failback) == ("automatic", "normal", False)
    assert (config.timing.heartbeat_timeout_count, config.timing.disk_io_wait_s) == (10, 80)
    assert not config.cluster.auto_return


def test_mirror_set_has_the_guides_io_limits_by_default() -> None:
    """64 KiB and 64 requests, unless the file says otherwise (4.5.1-04)."""
    text = MINIMAL + (
        '[[mirror_set]]\nname = "s"\npartitions = [{number=2, letter="E"}]\n'
        'disks = [{server="server1", path="/dev/a"}, {server="server2", path="/dev/a"}]\n'
    )
    [mirror_set] = loads(text).mirror_sets
    assert (mirror_set.max_io_kib, mirror_set.max_io_count) == (64, 64)


def test_load_raises_every_finding(tmp_path: Path) -> None:
    """A refused file raises once, with every finding, warnings among them."""
    path = tmp_path / "cluster.toml"
    path.write_text(MINIMAL.replace('"demo"', '"a b"').replace('"ic2"', '"ic1"').replace('"public", ', ""))
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert [f.code for f in refused.value.findings] == ["E_CHARSET", "W_NO_PUBLIC", "E_DUP"]
    assert 'cluster.name: "a b"' in str(refused.value)


def test_warnings_alone_do_not_refuse() -> None:
    """A configuration that is only advised against is loaded."""
    text = MINIMAL + '[[group]]\nname = "prn"\npolicy = ["server1"]\n'
    assert [f.severity for f in check_text(text)] == ["warning"]
    assert loads(text).groups[0].name == "prn"


@pytest.mark.parametrize(
    "text",
    ["server = ", "[a\n", "a = 1\na = 2\n", "x = " + "[" * 5000, "\x00", "format = 1970-01-01", "a = nan"],
    ids=["cut", "bracket", "twice", "deep", "nul", "date", "nan"],
)
def test_any_text_gives_findings(text: str) -> None:
    """A text that is no TOML, or no configuration, gives findings and no exception."""
    assert {f.severity for f in check_text(text)} == {"error"}


def test_syntax_error_tells_the_line() -> None:
    """A finding about the syntax says where it stands."""
    [finding] = check_text("format = 1\nname = \n")
    assert finding.code == "E_SYNTAX"
    assert "line 2" in finding.message


@pytest.mark.parametrize("name", ["missing.toml", ".", "a\x00b", "binary"])
def test_unreadable_file_gives_a_finding(tmp_path: Path, name: str) -> None:
    """A missing file, a directory, a name with NUL and bytes that are no text: one finding each."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    path = f"{tmp_path}/{name}"
    [finding] = check_file(path)
    assert finding.code in {"E_NOTFOUND", "E_SYNTAX"}
    with pytest.raises(ConfigError):
        load(path)


def test_dump_is_read_back_as_it_was(build: Build) -> None:
    """What dump writes, loads reads as the same configuration; twice dumped is the same text."""
    config = ClusterConfig.model_validate(_tuples(build({"lan[1].priority": 7, "group[0].failback": True})))
    text = dump(config)
    assert loads(text) == config
    assert dump(loads(text)) == text


def test_dump_leaves_passwords_out(build: Build) -> None:
    """Passwords are judged for their length and never kept."""
    document = build({"cluster.password": "sesame", "account[0].password": "sesame"})
    config = ClusterConfig.model_validate(_tuples(document))
    assert "sesame" not in dump(config)
    assert "sesame" not in repr(config)


def test_names_are_spelled_as_they_were_given_first(build: Build) -> None:
    """References take the spelling of what they refer to, letters become capitals."""
    changes = {
        "group[0].policy": ["SERVER2", "Server1"],
        "group[0].mirror_disk[0].set": "SET1",
        "group[0].mirror_disk[0].mounts[0].letter": "e",
        "mirror_set[0].partitions[0].letter": "e",
        "mirror_set[0].disks[0].server": "SERVER1",
        "lan[0].endpoints[0].server": "SERVER1",
        "cluster.preferred_survivor": "SERVER2",
        "server[0].system_letter": "c",
    }
    config = loads(dump(ClusterConfig.model_validate(_tuples(build(changes)))))
    assert config.groups[0].policy == ("server2", "server1")
    assert config.groups[0].mirror_disks[0].set == "set1"
    assert config.groups[0].mirror_disks[0].mounts[0].letter == "E"
    assert config.mirror_sets[0].partitions[0].letter == "E"
    assert config.mirror_sets[0].disks[0].server == "server1"
    assert config.lans[0].endpoints[0].server == "server1"
    assert config.cluster.preferred_survivor == "server2"
    assert config.servers[0].system_letter == "C"


@given(st.text(), st.text(), st.lists(st.text(max_size=4), max_size=3), st.floats(allow_nan=False))
def test_dump_writes_any_text_as_toml(name: str, path: str, names: list[str], seconds: float) -> None:
    """Quotes, controls and characters of any language survive the way through TOML, allowed or not."""
    mount = Mount(letter=name, path=path, options=path)
    group = Group(
        name=name,
        policy=tuple(names),
        mirror_disks=(MirrorDisk(set=name, mounts=(mount,)),),
        scripts=(Script(start=path, stop=name, timeout_s=seconds),),
    )
    config = ClusterConfig(
        cluster=ClusterSettings(name=name),
        servers=(),
        lans=(),
        groups=(group,),
        accounts=(Account(name=path),),
    )
    document = tomllib.loads(dump(config))
    assert ClusterConfig.model_validate(_tuples(document)) == config


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    return value
