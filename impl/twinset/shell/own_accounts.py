"""Accounts of the configuration against those of this server's system: its users, with its passwords (2.2.2.3-16)."""

from __future__ import annotations

import contextlib
import pwd
from typing import TYPE_CHECKING, Final

from twinset.errors import Refusal
from twinset.shell import pam

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig

CLAUSE: Final = "2.2.2.3-16"


def known(config: ClusterConfig) -> dict[str, int]:
    """Return the accounts of the configuration that this system has, of its own or of a domain: user IDs by name."""
    found = {}
    for account in config.accounts:
        with contextlib.suppress(KeyError):
            found[account.name] = pwd.getpwnam(account.name).pw_uid
    return found


def refuse_unfit(old: ClusterConfig | None, new: ClusterConfig, me: str) -> None:
    """Refuse accounts that this system does not have, and passwords that it does not accept.

    May take as long as a directory service takes: not for an event loop.
    """
    refuse_unknown(old, new, me)
    for account in new.accounts:
        # A password is only where the operator asked: what is kept and what the other server gets is without.
        if account.password:
            _refuse_password(account.name, account.password, me)


def refuse_unknown(old: ClusterConfig | None, new: ClusterConfig, me: str) -> None:
    """Refuse accounts that this system does not have; those that were registered before are not looked up again."""
    before = {account.name for account in old.accounts} if old else set()
    here = known(new)
    missing = [each.name for each in new.accounts if each.name not in here and each.name not in before]
    if missing:
        text = f"{me}: the system has no account {', '.join(missing)}"
        raise Refusal("E_DENIED", text, CLAUSE, f"adduser {missing[0]}, on both servers")


def _refuse_password(name: str, password: str, me: str) -> None:
    try:
        accepted = pam.accepts(name, password)
    except OSError as error:
        raise Refusal("E_DENIED", f"{me}: passwords cannot be checked: {error}", CLAUSE) from None
    if not accepted:
        raise Refusal("E_DENIED", f"{me} does not accept the password of account {name}", CLAUSE)
