"""The cluster password as it is kept: a salted slow hash, in a text that says how it was made (2.2.2.3-14).

    scrypt$ln=14,r=8,p=1$<salt>$<digest>        salt and digest in hexadecimal digits

A password is its bytes in UTF-8, as they were typed: case counts, and nothing is normalised.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from twinset.config.cluster import ClusterConfig

SALT_BYTES: Final = 16
DIGEST_BYTES: Final = 32
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


def settled(new: ClusterConfig, old: ClusterConfig | None, salt: bytes) -> ClusterConfig:
    """Return the configuration with the hash of its plain password: the former one while the password is the same.

    A plain password goes before a hash beside it. Takes its time: not for an event loop.
    """
    plain = new.cluster.password
    if not plain:
        return new
    before = "" if old is None else old.cluster.password_hash
    kept = before if matches(plain, before) else hashed(plain, salt)
    return new.model_copy(update={"cluster": new.cluster.model_copy(update={"password_hash": kept})})


def _digest(password: str, salt: bytes, ln: int, p: int) -> bytes:
    memory = 256 * R * (1 << ln)  # twice what it needs; the default of the library is less
    raw = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(raw, salt=salt, n=1 << ln, r=R, p=p, maxmem=memory, dklen=DIGEST_BYTES)
