"""The cluster password as it is kept: a salted slow hash, in a text that says how it was made (2.2.2.3-14).

    scrypt$ln=14,r=8,p=1$<salt>$<digest>        salt and digest in hexadecimal digits

A password is its bytes in UTF-8, as they were typed: case counts, and nothing is normalised.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

from twinset.errors import Refusal
from twinset.guide.limits import CLUSTER_PASSWORD_BYTES_MAX

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig

SALT_BYTES: Final = 16
DIGEST_BYTES: Final = 32
MASK: Final = "***"  # in a text that is shown, and in one that is given back
LN, R, P = 14, 8, 1  # 16 MiB and some 50 ms a try
# The form itself bounds what a server spends on a hash that another one made.
_FORM: Final = re.compile(r"scrypt\$ln=(1[0-6]),r=8,p=([1-4])\$([0-9a-f]{32})\$([0-9a-f]{64})", re.ASCII)


def hashed(password: str, salt: bytes) -> str:
    """Return what is kept of a password."""
    return f"scrypt$ln={LN},r={R},p={P}${salt.hex()}${_digest(password, salt, LN, P).hex()}"


def is_hash(kept: str) -> bool:
    """True for a text that `hashed` may have made, here or in another release."""
    return _FORM.fullmatch(kept) is not None


def matches(password: str, kept: str) -> bool:
    """True when this is the password that the hash was made of. Takes its time: not for an event loop."""
    found = _FORM.fullmatch(kept)
    if found is None or not password:
        return False
    ln, p, salt, digest = found.groups()
    made = _digest(password, bytes.fromhex(salt), int(ln), int(p))
    return hmac.compare_digest(made, bytes.fromhex(digest))


def masked(text: str) -> str:
    """Return a configuration as it is shown: without the hash, from which a password could be guessed at leisure."""
    return _FORM.sub(MASK, text)


def settled(
    new: ClusterConfig, old: ClusterConfig | None, salt: bytes, *, dry_run: bool = False
) -> ClusterConfig:
    """Return the configuration with the hash that it means.

    Of a plain password: the former hash when it is the same password (a dry run, which needs none, does not compare:
    it would be a way to guess), else a new one; it goes before a hash beside it. Of the mask: the former hash.
    Takes its time: not for an event loop.
    """
    plain, given = new.cluster.password, new.cluster.password_hash
    before = "" if old is None else old.cluster.password_hash
    if plain:
        kept = before if not dry_run and matches(plain, before) else hashed(plain, salt)
    elif given == MASK:
        kept = before
        if not before:
            text = f"cluster.password_hash: {MASK} stands for the hash in place, and there is none"
            clause = CLUSTER_PASSWORD_BYTES_MAX.clause
            raise Refusal("E_RANGE", text, clause, "write the password itself, as cluster.password")
    else:
        return new
    return new.model_copy(update={"cluster": new.cluster.model_copy(update={"password_hash": kept})})


def _digest(password: str, salt: bytes, ln: int, p: int) -> bytes:
    memory = 256 * R * (1 << ln)  # twice what it needs; the default of the library is less
    raw = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(raw, salt=salt, n=1 << ln, r=R, p=p, maxmem=memory, dklen=DIGEST_BYTES)
