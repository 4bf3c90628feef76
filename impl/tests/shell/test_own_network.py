"""What the networks of a server say to a configuration."""

import asyncio
from typing import Any

import pytest

from impl.tests.samples import TWO_SERVERS
from twinset import config as configuration
from twinset.errors import Refusal
from twinset.shell import own_network, run

SAID = """[{"ifname": "eth0", "addr_info": [{"family": "inet", "local": "10.0.1.1", "prefixlen": 24}]},
           {"ifname": "eth1", "addr_info": [{"family": "inet", "local": "10.0.9.1", "prefixlen": 24},
                                            {"family": "inet6", "local": "fe80::1", "prefixlen": 64}]}, {}]"""
OLD = configuration.loads(TWO_SERVERS)


def with_addresses(*addresses: str) -> Any:
    lines = ['[[group]]\nname = "db"\npolicy = ["server1"]']
    lines += [f'[[group.floating_ip]]\naddress = "{address}"' for address in addresses]
    return configuration.loads(f"{TWO_SERVERS}\n" + "\n".join(lines) + "\n")


def test_a_missing_interface_and_a_wrong_address_are_named() -> None:
    """Both in one refusal, with what is there instead (2.3.2-02)."""
    found = own_network.addresses(SAID)
    assert found == {"eth0": {"10.0.1.1/24"}, "eth1": {"10.0.9.1/24"}}
    assert own_network.unfit(list(OLD.lans), "server1", found) == [
        "LAN ic1: interface eth1 has 10.0.9.1/24, not 10.0.2.1/24"
    ]
    assert own_network.unfit(list(OLD.lans), "server2", {}) == [
        "LAN public: there is no interface eth0",
        "LAN ic1: there is no interface eth1",
    ]


@pytest.mark.parametrize(
    "said", ["", "{", "[1]", '[{"x": 1}]', '[{"ifname": "a", "addr_info": [{"family": "inet"}]}]']
)
def test_what_is_no_list_of_interfaces_is_refused(said: str) -> None:
    """A tool that says something else is no reason for a traceback."""
    with pytest.raises(Refusal):
        own_network.addresses(said)


def ask(monkeypatch: pytest.MonkeyPatch, old: Any, new: Any, codes: dict[str, int]) -> list[list[str]]:
    """Judge with programs that end with these codes; return what was run."""
    ran: list[list[str]] = []

    async def fake(argv: list[str], **_: Any) -> run.Result:
        ran.append(argv)
        said = SAID if argv[0] == "ip" else ""
        return run.Result(tuple(argv), codes.get(argv[0], 0), said, "")

    monkeypatch.setattr(run, "run", fake)
    asyncio.run(own_network.refuse_unfit(old, new, "server1"))
    return ran


def test_only_what_changes_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken network does not forbid a change of something else; a first configuration probes no addresses."""
    assert ask(monkeypatch, OLD, OLD, {}) == []
    assert [argv[0] for argv in ask(monkeypatch, OLD, with_addresses("10.0.1.100"), {})] == ["arping"]
    same = with_addresses("10.0.1.100")
    assert ask(monkeypatch, same, same, {"arping": 1}) == []


def test_an_address_that_another_host_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is changed (7.2.2-03); a tool that is not there decides nothing."""
    with pytest.raises(Refusal) as caught:
        ask(monkeypatch, OLD, with_addresses("10.0.1.100", "10.0.1.101"), {"arping": 1})
    assert (caught.value.code, caught.value.clause) == ("E_DUP", "7.2.2-03")
    assert ask(monkeypatch, OLD, with_addresses("10.0.1.100"), {"arping": -1})
