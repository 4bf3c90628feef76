"""Accounts of a configuration against those of the server's system."""

import pwd
from types import SimpleNamespace
from typing import Any

import pytest

from impl.tests.samples import TWO_SERVERS
from twinset import config as configuration
from twinset.errors import Refusal
from twinset.shell import own_accounts


@pytest.fixture(autouse=True)
def system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system with two accounts."""
    known = {"root": 0, "operator": 1001}

    def getpwnam(name: str) -> Any:
        return SimpleNamespace(pw_uid=known[name])  # KeyError, as the real one

    monkeypatch.setattr(pwd, "getpwnam", getpwnam)


def accounts(*names: str) -> Any:
    return configuration.loads(TWO_SERVERS + "".join(f'[[account]]\nname = "{name}"\n' for name in names))


def test_an_account_of_the_system_is_registered() -> None:
    """Accounts that the system has are found with their numbers, and nothing is refused (2.2.2.3-16)."""
    wanted = accounts("root", "operator")
    assert own_accounts.known(wanted) == {"root": 0, "operator": 1001}
    own_accounts.refuse_unknown(None, wanted, "server1")


def test_an_account_that_the_system_does_not_know_is_not() -> None:
    """The refusal names it and the server; one that was registered before is not looked up again."""
    wanted = accounts("root", "stranger")
    with pytest.raises(Refusal, match="server2: the system has no account stranger") as caught:
        own_accounts.refuse_unknown(accounts("root"), wanted, "server2")
    assert (caught.value.code, caught.value.clause) == ("E_DENIED", "2.2.2.3-16")
    own_accounts.refuse_unknown(wanted, wanted, "server2")
