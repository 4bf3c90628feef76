"""7.3: virtual computer names, as a NetBIOS client on the LAN finds them. What a name may be: 2.2.2.3 states it too."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.commands import Commands
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.refusals import refusal
from conformance.suite.static import Static

names = pytest.mark.cluster("names")
HOME, AWAY = "server1", "server2"


def address(pair: Pair, number: int) -> str:
    """A floating IP address: 0 is that of group one, 1 and 2 those of several."""
    return str(pair.provisioned["floating_ips"][number])


def described(pair: Pair, group: str) -> dict[str, str]:
    """The description of each virtual computer name of a group, as the status shows it."""
    return dict(pair.status().groups[group].get("virtual_computer_names", {}))


# -- configurations


@clause("7.3.1.1-01", "2.2.2.3-25")
@pytest.mark.parametrize("name", ["server2", "SERVER1"])
def test_a_virtual_computer_name_is_not_that_of_a_server(static: Static, name: str) -> None:
    """The name of a server, in any case, is refused with E_DUP; one character more makes another name."""
    static.refuses("7.3.1.1-01", f"name {name}", make.with_vcns(name), "E_DUP")
    static.refuses("2.2.2.3-25", f"name {name}", make.with_vcns(name), "E_DUP")
    static.accepts("7.3.1.1-01", f"name {name}X", make.with_vcns(f"{name}X"))


@clause("7.3.1.1-03")
def test_fifteen_characters_are_the_most(static: Static) -> None:
    """A name of 15 characters is accepted, one of 16 is refused with E_LENGTH."""
    static.accepts("7.3.1.1-03", "15 characters", make.with_vcns("V" * 15))
    static.refuses("7.3.1.1-03", "16 characters", make.with_vcns("V" * 16), "E_LENGTH")


@clause("7.3.1.1-04")
@pytest.mark.parametrize("name", ["WEB_1", "WEB.1", "WEB 1", "WEB$"])
def test_only_letters_digits_and_hyphens(static: Static, name: str) -> None:
    """Anything but letters, digits and hyphens is refused with E_CHARSET."""
    static.refuses("7.3.1.1-04", f"name {name}", make.with_vcns(name), "E_CHARSET")
    static.accepts("7.3.1.1-04", "name WEB-1", make.with_vcns("WEB-1"))


@clause("7.3.1.3-04")
def test_the_address_cannot_be_chosen(static: Static) -> None:
    """A configuration that names the address to associate is refused with E_UNSUPPORTED, or cannot say it."""
    config = make.with_fips("10.0.1.100", "10.0.1.101")
    config["groups"][0]["resources"].append(make.vcn("WEB", floating_ip="10.0.1.101"))
    static.refuses("7.3.1.3-04", "a chosen address", config, "E_UNSUPPORTED")


@clause("7.3.1.3-06")
def test_addresses_of_several_networks_are_advised_against(static: Static) -> None:
    """A name beside addresses of two public networks is accepted with W_VCN_MULTI_NET, beside one address without."""
    config = make.with_fips("10.0.1.100", "10.0.3.100")
    ends = {"server1": "10.0.3.1/24", "server2": "10.0.3.2/24"}
    config["networks"].append({"name": "public2", "roles": ["public", "interconnect"], "addresses": ends})
    config["groups"][0]["resources"].append(make.vcn("WEB"))
    static.warns("7.3.1.3-06", "addresses of two networks", config, "W_VCN_MULTI_NET")


# -- on the LAN


@pytest.mark.smoke
@names
@clause("7.3-01", "7.3.1.3-02", "7.2.4-01", "7.3.4-02")
def test_a_name_stands_for_the_address_exactly_while_its_group_is_active(pair: Pair, judge: Judge) -> None:
    """The client finds the group's address by the name, and reaches it; after the group stopped nobody answers, nor for
    a name that stood for its server.
    """
    see, fip = pair.see, address(pair, 0)
    all_of_them = ("7.3-01", "7.3.1.3-02", "7.3.4-02")
    judge.equal(all_of_them, "the address of Conf-One", expected=[fip], observed=see.resolves("Conf-One"))
    judge.equal("7.3.4-02", "asked in capitals", expected=[fip], observed=see.resolves("CONF-ONE"))
    judge.equal("7.3-01", "the address answers", expected=True, observed=see.pings(fip))
    judge.holds("7.3-01", "Conf-A is found", bool(see.resolves("Conf-A")))
    with pair.spoiled_on_error():
        for group in ("one", "two"):
            pair.operate("group.stop", group=group)
            pair.wait_place(group, None)
        left = {name: see.resolves(name) for name in ("Conf-One", "Conf-A")}
        judge.equal("7.3-01", "after it stopped", expected={"Conf-One": [], "Conf-A": []}, observed=left)
        for group in ("one", "two"):
            pair.operate("group.start", group=group)
            pair.wait_place(group, HOME)


@names
@clause("7.3.1.3-01", "7.3.1.3-03", "6.1-05")
def test_one_name_is_associated_and_two_are_not(pair: Pair, judge: Judge) -> None:
    """Beside several addresses one name stands for one of them; two names stand for their server."""
    see = pair.see
    found = see.resolves("Conf-Several")
    own = {address(pair, 1), address(pair, 2)}
    judge.holds("7.3.1.3-03", f"exactly one of {own}", len(found) == 1 and set(found) <= own, found)
    for name in ("Conf-A", "Conf-B"):
        judge.equal(
            "7.3.1.3-01", f"{name}, one of two", expected=[see.fixed[HOME]], observed=see.resolves(name)
        )
    judge.holds(
        "6.1-05", "names are resources of their groups: known while those are active", bool(found), found
    )


@names
@clause("7.3-03", "7.3.1.3-05", "7.3.3-01")
def test_a_name_follows_its_group(pair: Pair, judge: Judge) -> None:
    """After a move the same name leads to the other server: by the same address when associated, by its own if not."""
    see = pair.see
    before = see.resolves("Conf-Several")
    with pair.spoiled_on_error():
        for group in ("several", "two"):
            pair.operate("group.move", group=group, to=AWAY)
            pair.wait_place(group, AWAY)
        after = see.resolves("Conf-Several")
        judge.equal("7.3.1.3-05", "the associated address", expected=before, observed=after)
        judge.equal("7.3.3-01", "who has it on the LAN", expected=AWAY, observed=see.owner_of("".join(after)))
        unassociated = see.resolves("Conf-A")
        judge.equal("7.3-03", "the unassociated name", expected=[see.fixed[AWAY]], observed=unassociated)
        for group in ("several", "two"):
            pair.operate("group.move", group=group, to=HOME)
            pair.wait_place(group, HOME)


@names
@clause("7.3-02", "7.3.3-02", "7.3.7-03")
def test_the_servers_find_an_associated_name_too(pair: Pair, judge: Judge) -> None:
    """On the server that has the name and on the other one a query brings the address, with no setting of a client."""
    found = {server: pair.see.resolves("Conf-One", server) for server in (HOME, AWAY)}
    wanted = [address(pair, 0)]
    all_of_them = ("7.3-02", "7.3.3-02", "7.3.7-03")
    judge.equal(all_of_them, "on each server", expected={HOME: wanted, AWAY: wanted}, observed=found)


@names
@clause("7.3.1.3-07", "7.3.1.3-08", "7.3.1.3-09")
def test_the_description_is_the_associated_address(pair: Pair, judge: Judge) -> None:
    """The status shows the address beside an associated name in use, nothing beside another or one not in use."""
    shown = described(pair, "one")
    judge.equal("7.3.1.3-07", "in use", expected={"Conf-One": address(pair, 0)}, observed=shown)
    shown = described(pair, "two")
    judge.equal("7.3.1.3-09", "not associated", expected={"Conf-A": "", "Conf-B": ""}, observed=shown)
    with pair.spoiled_on_error():
        pair.operate("group.stop", group="one")
        pair.wait_place("one", None)
        judge.equal("7.3.1.3-08", "not in use", expected={"Conf-One": ""}, observed=described(pair, "one"))
        pair.operate("group.start", group="one")
        pair.wait_place("one", HOME)


@names
@clause("7.3.1.1-02", "2.2.2.3-26", "7.3.1.3-08")
def test_a_name_in_use_is_not_taken(pair: Pair, judge: Judge) -> None:
    """While another computer on the segment has the name, its group does not start; the status shows the address."""
    see = pair.see
    with pair.spoiled_on_error():
        pair.operate("group.stop", group="one")
        pair.wait_place("one", None)
        with see.held_by_client("CONF-ONE"):
            refusal(pair, "group.start", group="one")
            after = pair.wait(lambda s: s.settled(), "group one to be at rest")
            shown = described(pair, "one")
        for clause_id in ("7.3.1.1-02", "2.2.2.3-26"):
            judge.equal(
                clause_id, "the start of group one", expected="start_failed", observed=after.state("one")
            )
        failed = {"Conf-One": address(pair, 0)}
        judge.equal("7.3.1.3-08", "after its activation failed", expected=failed, observed=shown)
        pair.operate("group.stop", group="one")
        pair.wait_place("one", None)
        pair.operate("group.start", group="one")
        pair.wait_place("one", HOME)


@pytest.mark.needs("script_commands")
@names
@clause("7.3.1.4-01", "7.3.1.3-09")
def test_armvcset_cancels_and_resets_an_association(pair: Pair, judge: Judge) -> None:
    """ARMVCSET /C: after the group's next start the name stands for its server and shows no address; /A undoes that.
    A name that nobody has is refused.
    """
    see, here = pair.see, Commands(pair, HOME)
    unknown = here.run("ARMVCSET", "CONF-NONE", "/C")
    judge.holds("7.3.1.4-01", "an unknown name is refused", unknown.returncode != 0, unknown)
    expected = {"/C": (see.fixed[HOME], ""), "/A": (address(pair, 0), address(pair, 0))}
    with pair.spoiled_on_error():
        for option, (stands_for, shown) in expected.items():
            ran = here.run("ARMVCSET", "CONF-ONE", option)
            judge.equal("7.3.1.4-01", f"exit status with {option}", expected=0, observed=ran.returncode)
            pair.operate("group.stop", group="one")
            pair.wait_place("one", None)
            pair.operate("group.start", group="one")
            pair.wait_place("one", HOME)
            found = see.resolves("Conf-One")
            judge.equal("7.3.1.4-01", f"after {option}", expected=[stands_for], observed=found)
            judge.equal(
                "7.3.1.3-09", f"after {option}", expected={"Conf-One": shown}, observed=described(pair, "one")
            )


@names
@clause("7.3.1.1-05")
def test_the_case_of_a_name_is_kept_and_means_nothing(pair: Pair, judge: Judge) -> None:
    """Shown as it was entered, found in any case."""
    found = [pair.see.resolves(name) for name in ("Conf-A", "CONF-A", "conf-a")]
    judge.holds("7.3.1.1-05", "found in any case", all(found) and found[0] == found[1] == found[2], found)
    judge.holds("7.3.1.1-05", "shown as entered", "Conf-A" in described(pair, "two"), described(pair, "two"))
