r"""What to run for a key of Samba's registry, and how its export is read: pure (6.2.7).

Samba holds share definitions there (HKLM\SOFTWARE\Samba\smbconf, with `include = registry` in smb.conf); `net
registry` is its tool. It knows the short names of the roots only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_SHORT: Final = {"HKEY_LOCAL_MACHINE": "HKLM", "HKEY_USERS": "HKU"}
TOOL: Final = "net"
NOT_THERE: Final = ("WERR_FILE_NOT_FOUND", "WERR_BADFILE")


def key_of(key: str) -> str:
    """Return a key as `net registry` wants it."""
    root, separator, rest = key.partition("\\")
    return f"{_SHORT.get(root.upper(), root)}{separator}{rest}"


def export(key: str, file: Path) -> list[str]:
    """Write a key and all below it into a file."""
    return [TOOL, "registry", "export", key_of(key), str(file)]


def delete(key: str) -> list[str]:
    """Delete a key and all below it."""
    return [TOOL, "registry", "deletekey_recursive", key_of(key)]


def restore(file: Path) -> list[str]:
    """Read a file back in."""
    return [TOOL, "registry", "import", str(file)]


def is_missing(said: str) -> bool:
    """True when the tool says that there is no such key."""
    return any(word in said for word in NOT_THERE)
