"""Clauses 2.2.2.1, 4.1, 4.5.1 and 7.1: mirror sets, partitions, letters."""

from collections.abc import Callable
from typing import Any

import pytest

from twinset.config.rules import chapter_2_2_1
from twinset.config.structure import build as build_structure

Judge = Callable[[dict[str, Any]], list[Any]]

LETTERS = "DEFGHIJKLMNOPQRSTUVWXYZ"  # 23: without A, B and the system drive C
SET, GROUP = "mirror_set[0]", "group[0].mirror_disk[0]"
DB = {"set": "set1"}


def mirror_set(n: int, letters: str) -> dict[str, Any]:
    disks = [{"server": f"server{s}", "path": f"/dev/vd{n}"} for s in (1, 2)]
    parts = [{"number": number, "letter": letter} for number, letter in enumerate(letters, start=2)]
    return {"name": f"set{n}", "disks": disks, "partitions": parts}


def sets(*letters: str) -> dict[str, Any]:
    return {"mirror_set": [mirror_set(n, one) for n, one in enumerate(letters)], "group": []}


def group(name: str, *names: str) -> dict[str, Any]:
    return {"name": name, "policy": ["server1"], "mirror_disk": [{"set": one} for one in names]}


def mount(letter: str = "E", path: str = "/mnt/x", filesystem: str = "ext4") -> dict[str, Any]:
    return {"letter": letter, "path": path, "filesystem": filesystem}


BAD: list[Any] = [
    ("9 sets", sets(*LETTERS[:9]), "E_LIMIT", "mirror_set", "2.2.2.1-03"),
    ("set name 16 bytes", {f"{SET}.name": "s" * 16}, "E_LENGTH", f"{SET}.name", ""),
    ("set name with slash", {f"{SET}.name": "a/b"}, "E_CHARSET", f"{SET}.name", ""),
    (
        "set twice",
        {"mirror_set[+]": {**mirror_set(1, "F"), "name": "SET1"}},
        "E_DUP",
        "mirror_set[1].name",
        "",
    ),
    ("I/O size 0", {f"{SET}.max_io_kib": 0}, "E_RANGE", f"{SET}.max_io_kib", "4.5.1-03"),
    ("I/O number -1", {f"{SET}.max_io_count": -1}, "E_RANGE", f"{SET}.max_io_count", "4.5.1-03"),
    ("both disks on one", {f"{SET}.disks[1].server": "server1"}, "E_TOPOLOGY", f"{SET}.disks", "7.1.1-01"),
    ("disk on a third", {f"{SET}.disks[1].server": "s3"}, "E_NOTFOUND", f"{SET}.disks[1].server", "7.1.1-01"),
    (
        "one disk in two sets",
        sets("D", "E") | {"mirror_set[1].disks[0].path": "/dev/vd0"},
        "E_DUP",
        "mirror_set[1].disks[0].path",
        "7.1.1-01",
    ),
    ("relative disk", {f"{SET}.disks[0].path": "sdb"}, "E_DISK", f"{SET}.disks[0].path", "7.1.1-01"),
    ("md array", {f"{SET}.disks[0].path": "/dev/md0"}, "E_DISK", f"{SET}.disks[0].path", "2.2.2.1-12"),
    (
        "LVM volume",
        {f"{SET}.disks[0].path": "/dev/mapper/vg-lv"},
        "E_DISK",
        f"{SET}.disks[0].path",
        "2.2.2.1-12",
    ),
    ("no data partition", {f"{SET}.partitions": []}, "E_PARTITION", f"{SET}.partitions", "2.2.2.1-04"),
    ("33 partitions", sets(LETTERS + "DEFGHIJKL"), "E_LIMIT", f"{SET}.partitions", "2.2.2.1-08"),
    (
        "CLUSTER partition",
        {f"{SET}.partitions[0].number": 1},
        "E_RESERVED",
        f"{SET}.partitions[0].number",
        "7.1.2-05",
    ),
    (
        "partition 0",
        {f"{SET}.partitions[0].number": 0},
        "E_PARTITION",
        f"{SET}.partitions[0].number",
        "7.1.2-03",
    ),
    (
        "number twice",
        {f"{SET}.partitions[+]": {"number": 2, "letter": "F"}},
        "E_DUP",
        f"{SET}.partitions[1].number",
        "2.2.2.1-02",
    ),
    ("24 letters", sets(LETTERS + "D"), "E_LIMIT", "mirror_set", "2.2.2.1-05"),
    ("letter A", sets("A"), "E_RESERVED", f"{SET}.partitions[0].letter", "2.2.2.1-06"),
    ("letter b", sets("b"), "E_RESERVED", f"{SET}.partitions[0].letter", "2.2.2.1-06"),
    ("system letter", sets("c"), "E_RESERVED", f"{SET}.partitions[0].letter", "2.2.2.1-06"),
    (
        "system letter of server 2",
        sets("S") | {"server[1].system_letter": "s"},
        "E_RESERVED",
        f"{SET}.partitions[0].letter",
        "2.2.2.1-06",
    ),
    (
        "two letters",
        {f"{SET}.partitions[0].letter": "EF"},
        "E_CHARSET",
        f"{SET}.partitions[0].letter",
        "2.2.2.1-06",
    ),
    (
        "no letter",
        {f"{SET}.partitions[0].letter": ""},
        "E_CHARSET",
        f"{SET}.partitions[0].letter",
        "2.2.2.1-06",
    ),
    ("a digit", sets("7"), "E_CHARSET", f"{SET}.partitions[0].letter", "2.2.2.1-06"),
    ("letter twice", sets("D", "d"), "E_DUP", "mirror_set[1].partitions[0].letter", "2.2.2.1-06"),
    (
        "system letter ??",
        {"server[1].system_letter": "??"},
        "E_CHARSET",
        "server[1].system_letter",
        "2.2.2.1-06",
    ),
    ("set that is not there", {f"{GROUP}.set": "set9"}, "E_NOTFOUND", f"{GROUP}.set", "7.1.1-08"),
    (
        "set in two groups",
        {"group[+]": group("x", "SET1")},
        "E_TOPOLOGY",
        "group[1].mirror_disk[0].set",
        "4.1.2-07",
    ),
    ("set twice in a group", {"group[0].mirror_disk[+]": DB}, "E_DUP", "group[0].mirror_disk", "4.1.2-07"),
    (
        "letter of another set",
        {f"{GROUP}.mounts[0].letter": "F"},
        "E_NOTFOUND",
        f"{GROUP}.mounts[0].letter",
        "7.1.1-06",
    ),
    (
        "partition mounted twice",
        {f"{GROUP}.mounts[+]": mount("e")},
        "E_DUP",
        f"{GROUP}.mounts[1].letter",
        "2.2.2.1-02",
    ),
    ("relative mount", {f"{GROUP}.mounts[0].path": "mnt"}, "E_RANGE", f"{GROUP}.mounts[0].path", ""),
    ("mount with newline", {f"{GROUP}.mounts[0].path": "/a\nb"}, "E_CHARSET", f"{GROUP}.mounts[0].path", ""),
    (
        "mount path twice",
        {f"{SET}.partitions[+]": {"number": 3, "letter": "F"}, f"{GROUP}.mounts[+]": mount("F", "/mnt/db/")},
        "E_DUP",
        f"{GROUP}.mounts[1].path",
        "",
    ),
    (
        "vfat",
        {f"{GROUP}.mounts[0].filesystem": "vfat"},
        "E_FS",
        f"{GROUP}.mounts[0].filesystem",
        "2.2.2.1-07",
    ),
    (
        "ext2",
        {f"{GROUP}.mounts[0].filesystem": "ext2"},
        "E_FS",
        f"{GROUP}.mounts[0].filesystem",
        "2.2.2.1-07",
    ),
]

GOOD = [
    ("8 sets", sets(*LETTERS[:8])),
    ("23 letters on one disk", sets(LETTERS)),
    (
        "letter C where the system drive is D",
        sets("C") | {"server[0].system_letter": "D", "server[1].system_letter": "D"},
    ),
    ("set name 15 bytes", {f"{SET}.name": "s" * 15, f"{GROUP}.set": "s" * 15}),
    ("names and letters in another case", {f"{GROUP}.set": "SET1", f"{GROUP}.mounts[0].letter": "e"}),
    ("the same path on both servers", {f"{SET}.disks[1].path": "/dev/sdb"}),
    ("I/O of 1", {f"{SET}.max_io_kib": 1, f"{SET}.max_io_count": 1}),
    (
        "partitions out of order",
        {f"{SET}.partitions": [{"number": 9, "letter": "F"}, {"number": 5, "letter": "E"}]},
    ),
    ("xfs", {f"{GROUP}.mounts[0].filesystem": "xfs"}),
    ("ntfs", {f"{GROUP}.mounts[0].filesystem": "ntfs"}),
    ("a set without a group", {"group": []}),
]


@pytest.mark.parametrize(("changes", "code", "path", "clause"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_mirror_set_is_refused(
    judge: Judge, changes: dict[str, Any], code: str, path: str, clause: str
) -> None:
    """Each set, disk, partition or letter that the guide forbids is found at its place, by its clause."""
    found = [(f.code, f.path, f.clause) for f in judge(changes)]
    assert (code, path, clause) in found


@pytest.mark.parametrize("changes", [g[1] for g in GOOD], ids=[g[0] for g in GOOD])
def test_mirror_set_is_accepted(judge: Judge, changes: dict[str, Any]) -> None:
    """What lies just inside a limit on sets and partitions has no error."""
    assert [f.message for f in judge(changes) if f.severity == "error"] == []


@pytest.mark.parametrize("partitions", [31, 32])
def test_partitions_of_a_disk_count_with_the_cluster_partition(judge: Judge, partitions: int) -> None:
    """31 data partitions fill a disk, because the CLUSTER partition is the 32nd (2.2.2.1-08)."""
    parts = [{"number": n, "letter": "D"} for n in range(2, partitions + 2)]
    found = {f.clause for f in judge({f"{SET}.partitions": parts})}
    assert ("2.2.2.1-08" in found) == (partitions == 32)


@pytest.mark.parametrize("rule", chapter_2_2_1.RULES, ids=lambda rule: rule.check.__name__)
def test_each_rule_can_fail(build: Callable[[dict[str, Any]], dict[str, Any]], rule: Any) -> None:
    """Taken alone, each rule refuses at least one of the samples, so that none of them is dead."""
    assert any(list(rule.check(build_structure(build(changes)).config)) for _, changes, *_ in BAD)
