"""6.2.7: registry keys that follow their group. Which keys may be set; how a change reaches the other server."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.clusters import KEYS_GROUP as GROUP
from conformance.suite.judge import Judge
from conformance.suite.keys import Keys
from conformance.suite.pair import Pair
from conformance.suite.static import Static

registry = pytest.mark.cluster("registry")
HOME, AWAY = "server1", "server2"
MACHINE, USERS = "HKEY_LOCAL_MACHINE", "HKEY_USERS"
OWN = f"{MACHINE}\\SOFTWARE\\NEC\\ESMARM"


# -- configurations


@clause("6.2.7-08")
@pytest.mark.parametrize("root", ["HKEY_CURRENT_USER", "HKEY_CLASSES_ROOT", "HKEY_CURRENT_CONFIG"])
def test_only_two_roots_can_follow_a_group(static: Static, root: str) -> None:
    """A key under any other root is refused with E_RANGE."""
    static.refuses("6.2.7-08", f"a key under {root}", make.with_keys(f"{root}\\Software\\Acme"), "E_RANGE")
    static.accepts("6.2.7-08", f"a key under {MACHINE}", make.with_keys(f"{MACHINE}\\SOFTWARE\\Acme"))


@clause("6.2.7-09")
def test_any_key_below_users_can_follow(static: Static) -> None:
    """A key below HKEY_USERS is accepted, the root itself is refused with E_RANGE."""
    static.accepts("6.2.7-09", "a key below", make.with_keys(f"{USERS}\\S-1\\Soft"))
    static.refuses("6.2.7-09", "the root itself", make.with_keys(USERS), "E_RANGE")


@clause("6.2.7-10")
@pytest.mark.parametrize(
    "key", [OWN, f"{OWN}\\Sub", OWN.lower(), f"{MACHINE}\\SOFTWARE\\NEC", f"{MACHINE}\\SOFTWARE", MACHINE]
)
def test_the_clusters_own_keys_do_not_follow(static: Static, key: str) -> None:
    """The cluster's subtree and the three keys above it, in any case, are refused with E_RESERVED; others are not."""
    static.refuses("6.2.7-10", key, make.with_keys(key), "E_RESERVED")
    static.accepts("6.2.7-10", "beside it", make.with_keys(f"{MACHINE}\\SOFTWARE\\NEC\\Other"))


@clause("6.2.7-11")
def test_sixteen_keys_are_the_most(static: Static) -> None:
    """A group with 16 keys is accepted, also beside another one that has 16; 17 are refused with E_LIMIT."""
    keys = [f"{MACHINE}\\SOFTWARE\\K{n}" for n in range(17)]
    config = make.with_keys(*keys[:16])
    others = (make.registry_key(f"{USERS}\\S-1\\K{n}") for n in range(16))
    config["groups"].append(make.group("other", *others))
    static.accepts("6.2.7-11", "16 keys in each of two groups", config)
    static.refuses("6.2.7-11", "17 keys", make.with_keys(*keys), "E_LIMIT")


@clause("6.2.7-12")
@pytest.mark.parametrize("key", [f"{USERS}\\S-1\\\\Soft", f"{USERS}\\S-1\\", f"{USERS}\\S\0"])
def test_components_follow_the_rules_of_the_system(static: Static, key: str) -> None:
    """An empty component or NUL is refused with E_CHARSET; anything that can be printed is accepted."""
    static.refuses("6.2.7-12", repr(key), make.with_keys(key), "E_CHARSET")
    static.accepts("6.2.7-12", "printable characters", make.with_keys(f"{USERS}\\S-1\\a b/c:d*e?f"))


@clause("6.2.7-13")
def test_a_key_has_at_most_259_bytes(static: Static) -> None:
    """The whole name, root included: 259 bytes are accepted, 260 refused with E_LENGTH."""
    long = f"{USERS}\\" + "k" * 100 + "\\"
    fits = long + "k" * (259 - len(long))
    static.accepts("6.2.7-13", "259 bytes", make.with_keys(fits))
    static.refuses("6.2.7-13", "260 bytes", make.with_keys(fits + "k"), "E_LENGTH")


# -- on the servers


@pytest.mark.needs("registry")
@registry
@clause("6.2.7-02", "6.2.7-03", "6.2.7-04")
def test_a_change_is_exported_and_distributed(pair: Pair, judge: Judge) -> None:
    """While the group runs a change is soon in a file on both servers, and not in the store of the other one."""
    keys = Keys(pair)
    first = keys.hive(HOME), keys.hive(AWAY)
    keys.set(HOME, "changed")
    here, there = keys.await_hive(HOME, first[0]), keys.await_hive(AWAY, first[1])
    judge.holds("6.2.7-02", "the change was noticed", here[1] != first[0][1], (first[0], here))
    judge.holds("6.2.7-03", "it is in a file here", bool(here[0]), here)
    judge.holds("6.2.7-04", "it is in a file on the other server", there[1] != first[1][1], (first[1], there))
    judge.holds("6.2.7-04", "its store is as before", keys.get(AWAY) != "changed", keys.get(AWAY))


@pytest.mark.needs("registry")
@registry
@clause("6.2.7-06", "6.2.7-02", "6.2.7-05")
def test_an_open_key_is_not_restored_and_a_stopped_group_is_not_followed(pair: Pair, judge: Judge) -> None:
    """Open on the destination: it keeps the old value, the group starts all the same; closed, the next start has the
    new one. What is changed while the group is stopped stays where it was changed.
    """
    keys = Keys(pair)
    keys.set(AWAY, "old")
    before = keys.hive(AWAY)
    keys.set(HOME, "new")
    with pair.spoiled_on_error():
        keys.await_hive(AWAY, before)
        keys.ask(AWAY, "open")
        pair.operate("group.move", group=GROUP, to=AWAY)
        pair.wait_place(GROUP, AWAY)
        judge.equal("6.2.7-06", "while it is open", expected="old", observed=keys.get(AWAY))
        keys.ask(AWAY, "close")
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
        pair.operate("group.start", group=GROUP, to=AWAY)
        pair.wait_place(GROUP, AWAY)
        judge.equal("6.2.7-05", "after it was closed", expected="new", observed=keys.get(AWAY))
        pair.operate("group.stop", group=GROUP)
        pair.wait_place(GROUP, None)
        kept = keys.hive(HOME)
        keys.set(AWAY, "changed while stopped")
        pair.operate("group.start", group=GROUP, to=HOME)
        pair.wait_place(GROUP, HOME)
        judge.equal("6.2.7-02", "the other server's version", expected=kept[0], observed=keys.hive(HOME)[0])
        judge.equal("6.2.7-02", "its value", expected="new", observed=keys.get(HOME))


@pytest.mark.spoils
@pytest.mark.needs("registry")
@registry
@clause("6.2.7-01", "6.2.7-05")
def test_the_last_value_is_there_before_the_start_script_after_a_power_cut(pair: Pair, judge: Judge) -> None:
    """Changed while the group runs, and sent: after a power cut the start script on the other server reads the last
    value first of all.
    """
    keys = Keys(pair)
    keys.note_at_start(AWAY)
    before = keys.hive(AWAY)
    keys.set(HOME, "last")
    keys.await_hive(AWAY, before)
    pair.crash(HOME)
    pair.spoil()
    pair.wait(lambda s: s.place(GROUP) == AWAY, "the group to fail over", seen_by=AWAY)
    judge.equal("6.2.7-05", "read by the start script", expected="last", observed=keys.seen_at_start(AWAY))
    judge.equal("6.2.7-01", "in the other server's store", expected="last", observed=keys.get(AWAY))
