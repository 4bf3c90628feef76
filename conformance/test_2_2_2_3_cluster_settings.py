"""2.2.2.3: names, counts and addresses of the cluster."""

import secrets

import pytest

from conformance.suite import config as make
from conformance.suite.advised import Advised, Facts, servers
from conformance.suite.cases import clause
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.refusals import application
from conformance.suite.static import Static

NAME_BYTES_MAX = 15
# Everything that is no letter, digit, hyphen or underscore; among them a full-width A and an umlaut.
FOREIGN = [" ", ".", "/", "\\", ":", "@", "*", "ä", "Ａ", "\t", "'"]  # noqa: RUF001 - the full-width A is meant
DOS_DEVICES = [
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"COM{n}" for n in range(1, 10)),
    *(f"LPT{n}" for n in range(1, 10)),
]


def _ids(values: list[str]) -> list[str]:
    return [f"u{'-'.join(f'{ord(c):04x}' for c in value)}" for value in values]


@clause("2.2.2.3-01")
@pytest.mark.parametrize("name", ["a", "Z", "0", "-", "_", "aZ09-_", "-lead", "9lives"])
def test_a_cluster_name_of_allowed_characters(static: Static, name: str) -> None:
    """Letters of both cases, digits, hyphen and underscore may stand anywhere in a cluster name."""
    static.accepts("2.2.2.3-01", f"cluster name {name}", make.with_cluster_name(name))


@clause("2.2.2.3-01")
@pytest.mark.parametrize("foreign", FOREIGN, ids=_ids(FOREIGN))
def test_a_foreign_character_in_a_cluster_name(static: Static, foreign: str) -> None:
    """Any other character in a cluster name is refused with E_CHARSET."""
    static.refuses(
        "2.2.2.3-01", f"cluster name a{foreign}b", make.with_cluster_name(f"a{foreign}b"), "E_CHARSET"
    )


@clause("2.2.2.3-03")
def test_a_cluster_name_has_1_to_15_bytes(static: Static) -> None:
    """A cluster name has at most 15 bytes and at least one; 16 and none are refused with E_LENGTH."""
    static.accepts("2.2.2.3-03", "1 byte", make.with_cluster_name("c"))
    static.accepts("2.2.2.3-03", "15 bytes", make.with_cluster_name("c" * NAME_BYTES_MAX))
    static.refuses("2.2.2.3-03", "16 bytes", make.with_cluster_name("c" * (NAME_BYTES_MAX + 1)), "E_LENGTH")
    static.refuses("2.2.2.3-03", "no name", make.with_cluster_name(""), "E_LENGTH", "E_CHARSET")


@clause("2.2.2.3-05")
@pytest.mark.parametrize("name", ["server-1", "s", "S9", "0server"])
def test_a_server_name_that_is_a_host_name(static: Static, name: str) -> None:
    """A name that the operating system takes as a computer name is a server name."""
    static.accepts("2.2.2.3-05", f"server name {name}", make.with_server_name(name))


@clause("2.2.2.3-05")
@pytest.mark.parametrize("name", ["a b", "a.b", "-a", "a-", "a_b", "ä", "a/b"])
def test_a_server_name_that_is_no_host_name(static: Static, name: str) -> None:
    """A name that the operating system refuses as a computer name is refused with E_CHARSET."""
    static.refuses("2.2.2.3-05", f"server name {name!r}", make.with_server_name(name), "E_CHARSET")


@clause("2.2.2.3-06")
@pytest.mark.parametrize("name", ["server2", "SERVER2", "Server2"])
def test_server_names_differ_in_more_than_case(static: Static, name: str) -> None:
    """Two servers whose names are equal, or differ in case only, are refused with E_DUP."""
    config = make.with_server_name(name) if name != "server2" else make.good()
    config["servers"][0]["name"] = name
    # That a server stands twice in a policy, or has one disk twice, is the matter of other rules.
    config["groups"][0]["policy"] = ["server2"]
    config["mirror_sets"][0]["disks"] = {name: {"disk": 1}, "server2": {"disk": 2}}
    static.refuses("2.2.2.3-06", f"{name} beside server2", config, "E_DUP")


@clause("2.2.2.3-07")
@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("s", ()),
        ("s" * 14, ()),
        ("s" * NAME_BYTES_MAX, ()),
        ("s" * (NAME_BYTES_MAX + 1), ("E_LENGTH",)),
        ("", ("E_LENGTH",)),
        ("s" * 14 + "é", ("E_LENGTH", "E_CHARSET")),
    ],
    ids=["1", "14", "15", "16", "empty", "14+2"],
)
def test_a_server_name_has_1_to_15_bytes(static: Static, name: str, codes: tuple[str, ...]) -> None:
    """A server name has at most 15 bytes and at least one; bytes are counted, not characters."""
    fact = f"server name of {len(name.encode())} bytes"
    if codes:
        static.refuses("2.2.2.3-07", fact, make.with_server_name(name), *codes)
    else:
        static.accepts("2.2.2.3-07", fact, make.with_server_name(name))


@clause("2.2.2.3-08", "6-03")
def test_sixty_four_groups_and_no_sixty_fifth(static: Static) -> None:
    """A cluster has up to 64 failover groups; a 65th is refused with E_LIMIT."""
    static.accepts("2.2.2.3-08", "64 groups", make.with_groups(64))
    static.refuses("2.2.2.3-08", "65 groups", make.with_groups(65), "E_LIMIT")


@clause("2.2.2.3-09", "6.2.1-03")
@pytest.mark.parametrize("name", ["a", "Z", "0", "-", "_", "aZ09-_", "-lead", "9lives", "_x"])
def test_a_group_name_of_allowed_characters(static: Static, name: str) -> None:
    """Letters of both cases, digits, hyphen and underscore may stand anywhere in a group name."""
    static.accepts("2.2.2.3-09", f"group name {name}", make.with_group_named(name))


@clause("2.2.2.3-09", "6.2.1-03")
@pytest.mark.parametrize("foreign", FOREIGN, ids=_ids(FOREIGN))
def test_a_foreign_character_in_a_group_name(static: Static, foreign: str) -> None:
    """Any other character in a group name is refused with E_CHARSET."""
    static.refuses(
        "2.2.2.3-09", f"group name a{foreign}b", make.with_group_named(f"a{foreign}b"), "E_CHARSET"
    )


@clause("2.2.2.3-10", "6.2.1-04", "2.2.2.3-12", "6.2.1-06")
@pytest.mark.parametrize("names", [("Sales", "Sales"), ("Sales", "SALES"), ("sales", "sAlEs")], ids="-".join)
def test_group_names_differ_in_more_than_case(static: Static, names: tuple[str, str]) -> None:
    """Two groups of a cluster with the same name, in whatever case, are refused with E_DUP."""
    config = make.with_group_named(names[0])
    config["groups"].append(make.group(names[1], make.script()))
    static.refuses("2.2.2.3-10", f"{names[0]} beside {names[1]}", config, "E_DUP")
    static.refuses("2.2.2.3-12", f"{names[0]} beside {names[1]}", config, "E_DUP")


@clause("2.2.2.3-12", "6.2.1-06")
def test_a_group_name_may_come_again_in_another_cluster(static: Static) -> None:
    """Group names are unique within a cluster only: two clusters may both have a group of one name."""
    for name in ("one", "two"):
        static.accepts("2.2.2.3-12", f"group db in cluster {name}", make.with_cluster_name(name))


@clause("2.2.2.3-11", "6.2.1-05")
def test_a_group_name_has_1_to_15_bytes(static: Static) -> None:
    """A group name has at most 15 bytes and at least one; 16 and none are refused with E_LENGTH."""
    static.accepts("2.2.2.3-11", "1 byte", make.with_group_named("g"))
    static.accepts("2.2.2.3-11", "15 bytes", make.with_group_named("g" * NAME_BYTES_MAX))
    static.refuses("2.2.2.3-11", "16 bytes", make.with_group_named("g" * (NAME_BYTES_MAX + 1)), "E_LENGTH")
    static.refuses("2.2.2.3-11", "18 bytes", make.with_group_named("payroll_database_1"), "E_LENGTH")
    static.refuses("2.2.2.3-11", "no name", make.with_group_named(""), "E_LENGTH", "E_CHARSET")


@clause("2.2.2.3-13", "6.2.1-07")
@pytest.mark.parametrize("name", [*DOS_DEVICES, "prn", "Aux", "lpt1"])
def test_a_dos_device_name_is_accepted_with_a_warning(static: Static, name: str) -> None:
    """A DOS device name can be set as a group name; that the group will not start is worth a warning."""
    static.warns("2.2.2.3-13", f"group {name}", make.with_group_named(name), "W_RESERVED")


@clause("2.2.2.3-13", "6.2.1-07")
@pytest.mark.parametrize("name", ["PRNX", "COM0", "COM10", "LPT", "XCON"])
def test_a_name_that_only_resembles_a_device_is_plain(static: Static, name: str) -> None:
    """Names that merely contain a device name are ordinary group names, without a warning."""
    static.is_silent("2.2.2.3-13", f"group {name}", make.with_group_named(name), "W_RESERVED")


@clause("2.2.2.3-14")
@pytest.mark.parametrize(
    ("password", "allowed"),
    [("p" * 15, True), ("p" * 16, False), ("é" * 7 + "p", True), ("é" * 8, False)],
    ids=["15", "16", "7x2+1", "8x2"],
)
def test_a_cluster_password_has_at_most_15_bytes(static: Static, password: str, allowed: bool) -> None:
    """A cluster password has at most 15 bytes, counted in bytes."""
    config = make.good()
    config["cluster"]["password"] = password
    _judge_length(static, "2.2.2.3-14", password, config, allowed=allowed)


def _judge_length(static: Static, clause_id: str, text: str, config: make.Config, *, allowed: bool) -> None:
    fact = f"{len(text.encode())} bytes in {len(text)} characters"
    if allowed:
        static.accepts(clause_id, fact, config)
    else:
        static.refuses(clause_id, fact, config, "E_LENGTH")


@clause("2.2.2.3-15")
def test_sixteen_accounts_and_no_seventeenth(static: Static) -> None:
    """A cluster registers up to 16 user accounts; a 17th is refused with E_LIMIT."""
    names = [f"user{n}" for n in range(17)]
    static.accepts("2.2.2.3-15", "16 accounts", make.with_accounts(*names[:16]))
    static.refuses("2.2.2.3-15", "17 accounts", make.with_accounts(*names), "E_LIMIT")


@clause("2.2.2.3-17")
@pytest.mark.parametrize(
    ("name", "allowed"),
    [("u", True), ("u" * 31, True), ("u" * 32, False), ("", False)],
    ids=["1", "31", "32", "empty"],
)
def test_a_user_name_has_at_most_31_bytes(static: Static, name: str, allowed: bool) -> None:
    """A registered user name has at most 31 bytes and at least one."""
    _judge_length(static, "2.2.2.3-17", name, make.with_accounts(name), allowed=allowed)


@clause("2.2.2.3-18")
@pytest.mark.parametrize(
    ("password", "allowed"),
    [("p" * 31, True), ("p" * 32, False), ("é" * 15, True), ("é" * 16, False)],
    ids=["31", "32", "15x2", "16x2"],
)
def test_a_user_password_has_at_most_31_bytes(static: Static, password: str, allowed: bool) -> None:
    """The password of a registered user has at most 31 bytes, counted in bytes."""
    config = make.with_accounts("operator")
    config["accounts"][0]["password"] = password
    _judge_length(static, "2.2.2.3-18", password, config, allowed=allowed)


@clause("2.2.2.3-19", "2.3.6-01")
def test_sixty_four_floating_addresses_and_no_sixty_fifth(static: Static) -> None:
    """A cluster has up to 64 floating IP addresses; a 65th is refused with E_LIMIT."""
    addresses = [f"{make.PUBLIC}{100 + n}" for n in range(65)]
    static.accepts("2.2.2.3-19", "64 FIPs", make.with_fips(*addresses[:64]))
    static.refuses("2.2.2.3-19", "65 FIPs", make.with_fips(*addresses), "E_LIMIT")


@clause("2.2.2.3-19", "2.3.6-01")
def test_floating_addresses_count_over_all_groups(static: Static) -> None:
    """The limit of 64 is one of the cluster: 33 in one group and 32 in another are too many."""
    config = make.with_fips(*(f"{make.PUBLIC}{100 + n}" for n in range(33)))
    config["groups"].append(make.group("web", *(make.fip(f"{make.PUBLIC}{133 + n}") for n in range(32))))
    static.refuses("2.2.2.3-19", "33 + 32 FIPs", config, "E_LIMIT")


@clause("2.2.2.3-20", "2.3.6-02", "7.2.1-01")
@pytest.mark.parametrize(
    ("address", "codes"),
    [
        ("10.0.1.0", ("E_SUBNET",)),
        ("10.0.1.255", ("E_SUBNET",)),
        ("10.0.2.100", ("E_SUBNET",)),
        ("192.0.2.1", ("E_SUBNET",)),
        ("10.0.1.1", ("E_DUP",)),
        ("10.0.1.2", ("E_DUP",)),
        ("10.0.1.256", ("E_SUBNET", "E_RANGE", "E_CHARSET")),
    ],
    ids=["network", "broadcast", "next-network", "far-network", "server-1", "server-2", "no-address"],
)
def test_an_unusable_floating_address(static: Static, address: str, codes: tuple[str, ...]) -> None:
    """A floating IP address is a free host address of the public network; anything else is refused."""
    static.refuses("2.2.2.3-20", f"FIP {address}", make.with_fips(address), *codes)


@clause("2.2.2.3-20", "2.3.6-02", "7.2.1-01")
def test_a_floating_address_is_given_once(static: Static) -> None:
    """One floating IP address cannot belong to two groups, nor twice to one: E_DUP."""
    twice = make.with_fips("10.0.1.100", "10.0.1.100")
    static.refuses("2.2.2.3-20", "twice in a group", twice, "E_DUP")
    config = make.good()
    config["groups"].append(make.group("web", make.fip("10.0.1.100")))
    static.refuses("2.2.2.3-20", "in two groups", config, "E_DUP")
    static.accepts("2.2.2.3-20", "a free host address", make.with_fips("10.0.1.254"))


@clause("2.2.2.3-21", "7.3.1.5-01")
def test_sixty_four_virtual_computer_names(static: Static) -> None:
    """A cluster has up to 64 virtual computer names, none associated; a 65th is refused with E_LIMIT."""
    names = [f"VCN{n}" for n in range(65)]
    # 65 groups would break another limit first: two names to a group, which leaves them unassociated.
    for count in (64, 65):
        config = make.good()
        pairs = [names[n : min(n + 2, count)] for n in range(0, count, 2)]
        config["groups"] += [make.group(f"vcn{n}", *map(make.vcn, pair)) for n, pair in enumerate(pairs)]
        if count == 64:
            static.accepts("2.2.2.3-21", "64 names", config)
        else:
            static.refuses("2.2.2.3-21", "65 names", config, "E_LIMIT")


@clause("2.2.2.3-22", "7.3.1.5-02")
@pytest.mark.parametrize("interfaces", [1, 2])
def test_an_associated_name_costs_as_many_as_there_are_interfaces(static: Static, interfaces: int) -> None:
    """As soon as one name is associated with a FIP, the limit falls to 64 less the interfaces
    bound to WINS.
    """
    limit = 64 - interfaces
    for count in (limit, limit + 1):
        config = make.with_fips("10.0.1.100")
        for server in config["servers"]:
            server["name_service_interfaces"] = interfaces
        # One name alone beside a FIP is associated; the others, two to a group, are not.
        names = [f"VCN{n}" for n in range(count)]
        config["groups"][0]["resources"].append(make.vcn(names[0]))
        pairs = [names[n : n + 2] for n in range(1, count, 2)]
        config["groups"] += [make.group(f"vcn{n}", *map(make.vcn, pair)) for n, pair in enumerate(pairs)]
        if count == limit:
            static.accepts("2.2.2.3-22", f"{count} names with {interfaces} interfaces", config)
        else:
            static.refuses("2.2.2.3-22", f"{count} names with {interfaces} interfaces", config, "E_LIMIT")


@clause("2.2.2.3-23")
@pytest.mark.parametrize("foreign", [*FOREIGN, "_"], ids=_ids([*FOREIGN, "_"]))
def test_a_foreign_character_in_a_virtual_computer_name(static: Static, foreign: str) -> None:
    """A virtual computer name has letters, digits and hyphens; anything else is refused: E_CHARSET."""
    static.refuses("2.2.2.3-23", f"name A{foreign}B", make.with_vcns(f"A{foreign}B"), "E_CHARSET")


@clause("2.2.2.3-23")
@pytest.mark.parametrize("name", ["A", "z", "DB-SERVER", "DB9"])
def test_a_virtual_computer_name_of_allowed_characters(static: Static, name: str) -> None:
    """Letters, digits and hyphens make a virtual computer name."""
    static.accepts("2.2.2.3-23", f"name {name}", make.with_vcns(name))


@clause("2.2.2.3-24")
@pytest.mark.parametrize(
    ("name", "allowed"),
    [("V", True), ("V" * 15, True), ("V" * 16, False), ("", False)],
    ids=["1", "15", "16", "empty"],
)
def test_a_virtual_computer_name_has_1_to_15_bytes(static: Static, name: str, allowed: bool) -> None:
    """A virtual computer name has at most 15 bytes and at least one."""
    _judge_length(static, "2.2.2.3-24", name, make.with_vcns(name), allowed=allowed)


@clause("2.2.2.3-25")
@pytest.mark.parametrize("name", ["server1", "SERVER2", "Server1"])
def test_a_virtual_computer_name_is_no_server(static: Static, name: str) -> None:
    """A virtual computer name that is the name of a server, in whatever case, is refused with E_DUP."""
    static.refuses("2.2.2.3-25", f"name {name}", make.with_vcns(name), "E_DUP")


@clause("2.2.2.3-26")
@pytest.mark.parametrize("names", [("DB", "DB"), ("DB", "db")], ids="-".join)
def test_a_virtual_computer_name_is_given_once(static: Static, names: tuple[str, str]) -> None:
    """Two equal virtual computer names, in whatever case, are refused with E_DUP."""
    static.refuses("2.2.2.3-26", f"{names[0]} beside {names[1]}", make.with_vcns(*names), "E_DUP")


@clause("2.2.2.3-16")
@pytest.mark.parametrize("lacking", ["server1", "server2"])
def test_an_account_that_a_system_does_not_have(advised: Advised, lacking: str) -> None:
    """An account of the configuration that both systems have is accepted; one that either lacks is E_DENIED."""
    config = make.with_accounts("operator")
    known: dict[str, Facts] = {server: {"accounts": {"operator": 1001}} for server in make.SERVERS}
    advised.accepts("2.2.2.3-16", "known to both", config, servers(config, **known))
    known[lacking] = {"accounts": {}}
    described = servers(config, **known)
    advised.refuses("2.2.2.3-16", f"unknown to {lacking}", config, described, "E_DENIED")


@pytest.mark.needs("reconfigure")
@pytest.mark.cluster("commands")
@clause("2.2.2.3-16")
def test_an_account_that_no_system_has_is_not_registered(pair: Pair, judge: Judge) -> None:
    """A change that registers a user whom the servers' systems do not know is refused with E_DENIED."""
    stranger = f"nobody-{secrets.token_hex(8)}"
    changed = {**pair.now.config, "accounts": [*pair.now.config["accounts"], {"name": stranger}]}
    with pair.spoiled_on_error():
        judge.equal("2.2.2.3-16", "the change", expected="E_DENIED", observed=application(pair, changed))
        pair.wait(lambda s: set(s.servers.values()) == {"O"} and s.settled(), "all to be as before")


@pytest.mark.needs("second_cluster")
@pytest.mark.cluster("neighbours")
@clause("2.2.2.3-02", "2.2.2.3-04")
def test_no_two_clusters_of_one_name_on_a_lan(pair: Pair, judge: Judge) -> None:
    """A second cluster on the LAN is refused the name of the first one with E_DUP, in capitals as well; with one
    character more it is created.
    """
    other, name = pair.provisioned["second"], str(pair.now.config["cluster"]["name"])
    config = {
        "servers": [{"name": server, "system_letter": "C"} for server in other["servers"]],
        "networks": other["networks"],
        "mirror_sets": [],
        "groups": [],
    }
    with pair.spoiled_on_error():
        for clause_id, taken in (("2.2.2.3-04", name), ("2.2.2.3-02", name.upper())):
            said = application(pair, {**config, "cluster": {"name": taken}})
            judge.equal(clause_id, f"a second cluster {taken}", expected="E_DUP", observed=said)
        said = application(pair, {**config, "cluster": {"name": f"{name}2"}})
        judge.equal("2.2.2.3-04", f"a second cluster {name}2", expected="accepted", observed=said)
