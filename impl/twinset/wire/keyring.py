"""The cluster key while it is changed: one that is used, and others that are believed. Pure.

Theory of operation. Every proof is made with `current` and checked against every key of the ring, so two servers
understand each other as long as each one's current key is in the other's ring. Rotation keeps that true at every step:

    1 the other server takes the new key beside its own     {old, new}   current old
    2 this server uses the new one and believes the old     {new, old}   current new
    3 the other server uses the new one                     {new, old}   current new
    4 both forget the old one                               {new}

A rotation that is interrupted leaves rings with more keys than one, and the next one begins from there.
The key file has one key a line, the current one first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS_MAX: Final = 4
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys, each once; iteration begins with the current one."""

    current: bytes
    others: tuple[bytes, ...] = ()

    def __iter__(self) -> Iterator[bytes]:
        """Every key that is believed."""
        yield self.current
        yield from self.others

    def offered(self, new: bytes) -> Keyring:
        """Step 1: a new key is believed, and the current one goes on being used."""
        return Keyring(self.current, _each_once((new, *self.others), self.current))

    def used(self, new: bytes) -> Keyring:
        """Steps 2 and 3: the new key is used, and every other one is still believed."""
        return Keyring(new, _each_once(tuple(self), new))

    def settled(self) -> Keyring:
        """Step 4: nothing but the current key is believed."""
        return Keyring(self.current)

    def understands(self, other: Keyring) -> bool:
        """True when proofs of the other one are believed here."""
        return other.current in tuple(self)

    def text(self) -> str:
        """The content of the key file."""
        return "".join(f"{key.hex()}\n" for key in self)


def parse(text: str) -> Keyring:
    """Return the ring in a key file; ValueError says what is wrong, without showing any of it."""
    lines = text.split()
    if not 1 <= len(lines) <= KEYS_MAX:
        raise ValueError(
            f"must hold 1 to {KEYS_MAX} lines of {2 * KEY_BYTES} hexadecimal digits, has {len(lines)}"
        )
    keys = []
    for line in lines:
        try:
            key = bytes.fromhex(line)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES or len(line) != 2 * KEY_BYTES:
            raise ValueError(f"must hold {2 * KEY_BYTES} hexadecimal digits, has {len(line)} characters")
        keys.append(key)
    return Keyring(keys[0], _each_once(tuple(keys[1:]), keys[0]))


def _each_once(keys: tuple[bytes, ...], current: bytes) -> tuple[bytes, ...]:
    return tuple(key for key in dict.fromkeys(keys) if key != current)[: KEYS_MAX - 1]
