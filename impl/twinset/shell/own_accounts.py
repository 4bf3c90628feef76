"""Accounts of the configuration against those of this server's system, without which none is registered."""

from __future__ import annotations

import contextlib
import pwd
from typing import TYPE_CHECKING

from twinset.errors import Refusal

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig


def known(config: ClusterConfig) -> dict[str, int]:
    """Return the accounts of the configuration that this system has, of its own or of a domain: user IDs by name."""
    found = {}
    for account in config.accounts:
        with contextlib.suppress(KeyError):
            found[account.name] = pwd.getpwnam(account.name).pw_uid
    return found


def refuse_unknown(old: ClusterConfig | None, new: ClusterConfig, me: str) -> None:
    """Refuse accounts that this system does not have; those that were registered before are not looked up again.

    May take as long as a directory service takes: not for an event loop.
    """
    before = {account.name for account in old.accounts} if old else set()
    here = known(new)
    missing = [each.name for each in new.accounts if each.name not in here and each.name not in before]
    if missing:
        text = f"{me}: the system has no account {', '.join(missing)}"
        raise Refusal("E_DENIED", text, "2.2.2.3-16", f"adduser {missing[0]}, on both servers")
