"""What the system says to accounts of a configuration: they are its own users, with its passwords (2.2.2.3-16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twinset.errors import Refusal
from twinset.shell import pam
from twinset.shell.program_targets import identity_of

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig

CLAUSE: Final = "2.2.2.3-16"


def refuse_unfit(new: ClusterConfig, me: str) -> None:
    """Refuse an account that is no user of this server, or whose password, where one is given, is not the user's.

    A password is only where the operator asked: what is kept and what the other server gets is without.
    """
    for account in new.accounts:
        identity_of(account.name)
        if not account.password:
            continue
        try:
            accepted = pam.accepts(account.name, account.password)
        except OSError as error:
            raise Refusal("E_DENIED", f"{me}: passwords cannot be checked: {error}", CLAUSE) from None
        if not accepted:
            raise Refusal("E_DENIED", f"{me} does not accept the password of account {account.name}", CLAUSE)
