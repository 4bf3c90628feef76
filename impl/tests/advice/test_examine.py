"""The check list: each code is found where it is, and is fine where it is not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from twinset.advice import line as lines
from twinset.advice.catalogue import CATALOGUE, PERSON
from twinset.advice.examine import examine, failed
from twinset.advice.facts import Nic, ScriptFile, ServerFacts
from twinset.advice.line import Line
from twinset.config import check_document
from twinset.config.cluster import ClusterConfig
from twinset.disks import judge
from twinset.disks.facts import LOCKED, WHOLE, Use

START, STOP = "/etc/scripts/start", "/etc/scripts/stop"
PUBLIC = {
    "name": "public",
    "roles": ["public", "interconnect"],
    "endpoints": [
        {"server": "server1", "interface": "eth0", "address": "10.0.1.1/24"},
        {"server": "server2", "interface": "eth0", "address": "10.0.1.2/24"},
    ],
}
IC1 = {
    "name": "ic1",
    "roles": ["interconnect", "mirror"],
    "endpoints": [
        {"server": "server1", "interface": "eth1", "address": "10.10.10.1/24"},
        {"server": "server2", "interface": "eth1", "address": "10.10.10.2/24"},
    ],
}
WATCHERS = [
    {"name": f"w{n}", "policy": [f"server{n}"], "script": [{"start": f"/etc/w{n}", "stop": f"/etc/s{n}"}]}
    for n in (1, 2)
]
GROUP = {
    "name": "db",
    "policy": ["server1", "server2"],
    "mirror_disk": [{"set": "set1", "mounts": [{"letter": "E", "path": "/mnt/db"}]}],
    "floating_ip": [{"address": "10.0.1.100"}],
    "virtual_computer_name": [{"name": "DB"}],
    "script": [{"start": START, "stop": STOP}],
}
DOCUMENT: dict[str, Any] = {
    "format": 1,
    "cluster": {"name": "demo"},
    "server": [{"name": "server1"}, {"name": "server2"}],
    "lan": [PUBLIC, IC1],
    "mirror_set": [
        {
            "name": "set1",
            "disks": [{"server": "server1", "path": "/dev/sdb"}, {"server": "server2", "path": "/dev/sdc"}],
            "partitions": [{"number": 2, "letter": "E"}],
        }
    ],
    "group": [GROUP, *WATCHERS],
}


def disk(path: str, **changes: Any) -> dict[str, Any]:
    partitions = [{"number": 2, "start_bytes": 1 << 22, "size_bytes": 1 << 30}]
    return {
        "path": path, "size_bytes": 2 << 30, "tail_bytes": 1 << 20, "model": "M", "transport": "scsi",
        "controller": "ahci", "array": True, "partitions": partitions, "findings": [], "uses": [], **changes,
    }  # fmt: skip


def nic(address: str, **changes: Any) -> Nic:
    return replace(Nic((address,), up=True, speed_mbps=1000, rx_ring=256, rx_ring_max=256), **changes)


def server(number: int, **changes: Any) -> ServerFacts:
    script = ScriptFile(executable=True, digest="d")
    watcher = ScriptFile(executable=True, digest="w", commands=("ARMLOAD", "ARMWHSR"))
    facts = ServerFacts(
        server=f"server{number}", version="1", memory_kib=1000, processors=4, clock_s=1e9,
        nics={
            "eth0": nic(f"10.0.1.{number}/24"),
            "eth1": nic(f"10.10.10.{number}/24"),
            "eth2": nic(f"10.0.2.{number}/24"),
        },
        listening=("udp/161",), processes=("sshd",),
        scripts={START: script, STOP: script, "/etc/w1": watcher, "/etc/w2": watcher},
        disks=(disk("/dev/sdb" if number == 1 else "/dev/sdc"),),
    )  # fmt: skip
    return replace(facts, **changes)


def judged(
    document: Mapping[str, Any] = DOCUMENT,
    servers: Sequence[ServerFacts] = (server(1), server(2)),
    absent: Mapping[str, str] | None = None,
) -> list[Line]:
    config = ClusterConfig.model_validate(document, strict=False)
    return examine(config, check_document(dict(document)), servers, absent or {})


def of(code: str, found: Sequence[Line]) -> list[Line]:
    return [each for each in found if each.code == code]


def eth1(number: int, **changes: Any) -> dict[str, Any]:
    nics = {"eth0": nic(f"10.0.1.{number}/24"), "eth1": nic(f"10.10.10.{number}/24", **changes)}
    return {"nics": nics}


def group(**changes: Any) -> dict[str, Any]:
    return {**DOCUMENT, "group": [{**GROUP, **changes}, *WATCHERS]}


WINS_ELSEWHERE = {
    **DOCUMENT,
    "name_service": {"wins_servers": ["10.0.2.1", "10.0.2.2"]},
    "lan": [
        PUBLIC,
        IC1,
        {
            "name": "second",
            "roles": ["public", "interconnect"],
            "endpoints": [
                {"server": f"server{n}", "interface": "eth2", "address": f"10.0.2.{n}/24"} for n in (1, 2)
            ],
        },
    ],
}
TWICE = {**DOCUMENT, "group": [GROUP, {"name": "db2", "policy": GROUP["policy"], "script": GROUP["script"]}]}

# code -> what makes it come up: changes of server1's facts, or another configuration; and a word of the line.
ACCOUNT = {**DOCUMENT, "account": [{"name": "operator"}]}
BAD: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any] | None, str], ...] = (
    ("W_ACCOUNT", {"accounts": {"operator": 1001}}, ACCOUNT, "user 1001 and 1002"),
    ("W_AGENT", {"watched_logs": {"/var/log/x": False}}, None, "/var/log/x"),
    ("W_BIND_ORDER", {}, WINS_ELSEWHERE, "second"),
    ("W_CAPACITY", {"memory_kib": 800}, None, "800 KiB"),
    ("W_CAPACITY", {"processors": 2}, None, "2 processors"),
    ("W_DC", {"processes": ("samba",)}, None, "samba"),
    ("W_FIREWALL", {"filter_hooks": ("inet filter input",)}, None, "inet filter input"),
    ("W_FORM", {}, TWICE, "db2"),
    ("W_INCOMPAT", {"processes": ("clamonacc",)}, None, "clamonacc"),
    ("W_LINKSPEED", eth1(1, speed_mbps=10), None, "10 Mbit/s"),
    ("W_LMHOSTS", {}, group(virtual_computer_name=[{"name": "DB", "associate": False}]), "DB"),
    ("W_MC_SHARED", eth1(1, neighbours=("10.10.10.2", "10.10.10.9")), None, "10.10.10.9"),
    ("W_NICBUF", eth1(1, rx_ring=256, rx_ring_max=4096), None, "256 of 4096"),
    ("W_PLACEMENT", {}, group(script=[{"start": "/mnt/db/start", "stop": STOP}]), "/mnt/db/start"),
    ("W_PROTO", eth1(1, protocols=("0800", "8137")), None, "8137"),
    ("W_REVISION", {"version": "2"}, None, "twinset 2"),
    ("W_REVISION", {"scripts": {START: ScriptFile(executable=True, digest="other")}}, None, START),
    ("W_SNMP", {"listening": ()}, None, "udp/161"),
    ("W_UNWATCHED", {}, {**DOCUMENT, "group": [GROUP]}, "ARMWHSR"),
    ("W_WINS_DIFF", {"name_servers": ("10.0.1.53",)}, None, "10.0.1.53 on server1, none on server2"),
    ("W_EXCLUSIVE", {}, group(failover="exclusive"), "exclusive"),
    ("W_SINGLE_IC", {}, {**DOCUMENT, "lan": [{**PUBLIC, "roles": ["public"]}, IC1]}, "interconnect"),
    ("W_DISK_MISMATCH", {"disks": (disk("/dev/sdb", model="N"),)}, None, "set1"),
    ("W_SIZE", {"disks": (disk("/dev/sdb", size_bytes=3 << 30),)}, None, "set1"),
    ("W_ARRAY_MIX", {"disks": (disk("/dev/sdb", array=False),)}, None, "set1"),
    ("W_HW_MISMATCH", {"disks": (disk("/dev/sdb", controller="nvme"),)}, None, "set1"),
)


def test_a_pair_that_follows_all_advice_is_told_so() -> None:
    """One line a code, fine or for a person, with a clause each; nothing fails."""
    found = judged()
    assert [each.code for each in found if each.status not in (lines.OK, lines.PERSON)] == []
    assert [each.code for each in found] == list(CATALOGUE)
    assert all(each.clause == CATALOGUE[each.code].clauses[0] for each in found)
    assert not failed(found)


@pytest.mark.parametrize(("code", "changes", "document", "word"), BAD, ids=lambda value: str(value)[:24])
def test_advice_that_is_not_followed(
    code: str, changes: Mapping[str, Any], document: Mapping[str, Any] | None, word: str
) -> None:
    """The line names what was seen and what to do, and is no failure."""
    found = judged(document or DOCUMENT, (server(1, **changes), server(2, accounts={"operator": 1002})))
    [first, *_] = of(code, found)
    assert first.status == lines.ADVICE
    assert word in first.text
    assert first.clause
    assert first.remedy or code in ("W_EXCLUSIVE", "W_SINGLE_IC")
    assert not failed(found)


NEEDED: tuple[tuple[str, Mapping[str, Any], str], ...] = (
    ("E_NOTFOUND", {"nics": {"eth0": nic("10.0.1.1/24")}}, "no interface eth1"),
    ("E_SUBNET", eth1(1, addresses=("10.10.10.7/24",)), "10.10.10.1/24"),
    ("E_SUBNET", eth1(1, up=False), "down"),
    ("E_UNSUPPORTED", {"missing_programs": ("mkfs.ext4",)}, "mkfs.ext4"),
    ("E_UNSUPPORTED", {"fuse": False}, "/dev/fuse"),
    ("E_NOTFOUND", {"scripts": {START: ScriptFile()}}, START),
    ("E_DISK", {"disks": (), "disk_trouble": {"/dev/sdb": "No such file"}}, "No such file"),
)


@pytest.mark.parametrize(("code", "changes", "word"), NEEDED)
def test_what_is_needed_and_missing_fails(code: str, changes: Mapping[str, Any], word: str) -> None:
    """An error with server, clause and remedy; the exit status follows it."""
    found = judged(servers=(server(1, **changes), server(2)))
    [wrong] = [each for each in found if each.status == lines.ERROR]
    assert (wrong.code, wrong.server) == (code, "server1")
    assert word in wrong.text
    assert wrong.clause
    assert wrong.remedy
    assert failed(found)


def test_an_account_that_a_system_does_not_have_fails() -> None:
    """It cannot be registered (2.2.2.3-16); the same account on both servers is no advice."""
    both = (server(1, accounts={"operator": 1001}), server(2, accounts={"operator": 1001}))
    assert not failed(judged(ACCOUNT, both))
    assert [each.status for each in of("W_ACCOUNT", judged(ACCOUNT, both))] == [lines.OK]
    [wrong] = [each for each in judged(ACCOUNT, (both[0], server(2))) if each.status == lines.ERROR]
    assert (wrong.code, wrong.clause, wrong.server) == ("E_DENIED", "2.2.2.3-16", "server2")


def test_a_finding_about_a_disk_is_told_with_its_server() -> None:
    """Advice of a disk is advice, an error is an error; that its own mirror process has it locked is neither."""
    wrong = {"severity": "error", "code": "E_DISK", "clause": "4.1.2-03", "message": "is GPT [4.1.2-03]"}
    advice = {"severity": "warning", "code": "W_NO_RAID", "clause": "4.1.1-03", "message": "is a single disk"}
    held = judge.by_use(Use(WHOLE, LOCKED, "twinset-mirrord (process 7)")).as_json()
    bad = disk("/dev/sdb", findings=[wrong, advice, held])
    found = judged(servers=(server(1, disks=(bad,)), server(2)))
    [first] = [each for each in found if each.status == lines.ERROR]
    assert (first.server, first.text) == ("server1", "mirror set set1: /dev/sdb: is GPT")
    assert [each.status for each in of("W_NO_RAID", found)] == [lines.ADVICE]
    other = judge.by_use(Use(WHOLE, LOCKED, "qemu (process 7)")).as_json()
    assert failed(judged(servers=(server(1, disks=(disk("/dev/sdb", findings=[other]),)), server(2))))


def test_a_server_that_did_not_answer_is_no_good_news() -> None:
    """Checks of servers are unknown then, whatever the other one said, and the list fails with the reason."""
    found = judged(servers=(server(1),), absent={"server2": "connection refused"})
    assert failed(found)
    assert "connection refused" in found[0].text
    assert {each.status for each in of("W_SNMP", found)} == {lines.UNKNOWN}
    assert {each.status for code in ("W_EXCLUSIVE", "W_FORM") for each in of(code, found)} == {lines.OK}
    assert "server2 could not be looked at" in of("W_DC", found)[0].text


def test_a_driver_that_does_not_say_is_unknown() -> None:
    """Neither fine nor advice."""
    found = judged(servers=(server(1, **eth1(1, speed_mbps=0, rx_ring_max=0)), server(2)))
    assert [each.status for each in of("W_LINKSPEED", found)] == [lines.UNKNOWN]
    assert [each.status for each in of("W_NICBUF", found)] == [lines.UNKNOWN]


def test_clocks_apart_are_told() -> None:
    """Event logs of two servers are read side by side."""
    found = judged(servers=(server(1, clock_s=1e9), server(2, clock_s=1e9 + 60)))
    assert "60 s apart" in of("W_CLOCKS", found)[0].text


def test_a_page_is_named_for_what_a_person_checks() -> None:
    """With the section of the code."""
    for code, entry in CATALOGUE.items():
        if entry.by == PERSON:
            assert of(code, judged())[0].remedy.endswith(f"advice.md#{code.lower()}")


def test_facts_survive_their_journey() -> None:
    """What arrives from the other server is what it saw; nonsense is refused."""
    facts = server(1, watched_logs={"/x": True}, disk_trouble={"/dev/x": "gone"})
    assert ServerFacts.from_json(facts.as_json()) == facts
    for bad in ({}, {"server": "s", "nics": 3}, {"server": "s", "nics": {"eth0": {"zonk": 1}}}):
        with pytest.raises(ValueError):
            ServerFacts.from_json(bad)


def test_packages_that_come_by_themselves_are_told() -> None:
    """On the server where nothing holds them back (AUX-02)."""
    assert not of("W_PACKAGES", judged())
    (line,) = of("W_PACKAGES", judged(servers=(server(1), server(2, packages_guarded=False))))
    assert (line.status, line.clause, line.server) == (lines.ADVICE, "AUX-02", "server2")
    assert "twinset upgrade guard" in line.remedy
