r"""What the plain store holds: keys below HKEY_LOCAL_MACHINE and HKEY_USERS, each with named values. Pure.

Keys and names of values differ by more than case only, and keep their case (6.2.7-12). An *export* of a key is a
JSON object: path below the key ("" is the key itself) -> name of the value -> [type, data].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twinset.errors import Refusal
from twinset.guide.names import canonical_registry_key
from twinset.registry import values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twinset.registry.values import Value

Export = dict[str, dict[str, list[Any]]]

KEYS_MAX: Final = 4096
KEY_CHARACTERS_MAX: Final = 1024
COMPONENT_CHARACTERS_MAX: Final = 255
ROOTS: Final = ("HKEY_LOCAL_MACHINE", "HKEY_USERS")
SEPARATOR: Final = "\\"


def checked_key(key: Any) -> str:
    """Return a key with its root's full name, otherwise as it was written; Refusal when it is none."""
    if not isinstance(key, str) or len(key) > KEY_CHARACTERS_MAX:
        raise Refusal(
            "E_LENGTH", f"a key has at most {KEY_CHARACTERS_MAX} characters: {key!r:.60}", "6.2.7-13"
        )
    root, *components = key.split(SEPARATOR)
    full = canonical_registry_key(root)
    if full not in ROOTS or not components:
        raise Refusal("E_RANGE", f"{key!r:.100} lies in neither {ROOTS[0]} nor {ROOTS[1]}", "6.2.7-08")
    for component in components:
        if not component or "\0" in component or len(component) > COMPONENT_CHARACTERS_MAX:
            text = f"{key!r:.100}: a component has 1 to {COMPONENT_CHARACTERS_MAX} characters and no NUL"
            raise Refusal("E_CHARSET", text, "6.2.7-12")
    return SEPARATOR.join((full, *components))


class Tree:
    """All keys of one server."""

    def __init__(self, body: Mapping[str, Any] | None = None) -> None:
        """Take what `as_json` gave; Refusal when it is no such thing."""
        self._keys: dict[str, tuple[str, dict[str, Value]]] = {}  # canonical -> as written, values
        for key, found in (body or {}).items():
            spelled = checked_key(key)
            self._keys[canonical_registry_key(spelled)] = (spelled, _checked_values(found))

    def as_json(self) -> dict[str, Any]:
        """Return what a file keeps."""
        return {
            key: {name: list(value) for name, value in found.items()} for key, found in self._keys.values()
        }

    def value(self, key: str, name: str) -> Value:
        """Return a value; Refusal when there is none."""
        found = self._values(key)
        actual = _spelled(found, name)
        if actual is None:
            raise Refusal(
                "E_NOTFOUND", f"{key} has no value {name!r}", "6.2.7-12", f"twinset registry list '{key}'"
            )
        return found[actual]

    def set(self, key: str, name: str, value: Value) -> None:
        """Set a value; the key comes into being with it."""
        spelled = checked_key(key)
        name = values.checked_name(name)
        found = self._keys.setdefault(canonical_registry_key(spelled), (spelled, {}))[1]
        if len(self._keys) > KEYS_MAX:
            raise Refusal("E_LIMIT", f"more than {KEYS_MAX} keys", "6.2.7-07")
        found[_spelled(found, name) or name] = values.checked(*value)

    def delete_value(self, key: str, name: str) -> None:
        """Delete a value; Refusal when there is none."""
        self.value(key, name)
        found = self._values(key)
        del found[str(_spelled(found, name))]

    def delete(self, key: str) -> bool:
        """Delete a key and all below it; False when there was nothing."""
        inside = self._inside(key)
        for each in inside:
            del self._keys[each]
        return bool(inside)

    def subkeys(self, key: str) -> list[str]:
        """Return the names of the keys directly below one."""
        depth = checked_key(key).count(SEPARATOR) + 1
        below = (self._keys[each][0].split(SEPARATOR) for each in self._inside(key))
        return sorted({parts[depth] for parts in below if len(parts) > depth}, key=str.casefold)

    def values(self, key: str) -> dict[str, Value]:
        """Return the values of a key, none for one that only has keys below it."""
        if not self._inside(key):
            raise Refusal("E_NOTFOUND", f"there is no key {key}", "6.2.7-12")
        return dict(self._keys.get(canonical_registry_key(checked_key(key)), ("", {}))[1])

    def export(self, key: str) -> Export | None:
        """Return everything under a key, None when there is no such key."""
        depth = checked_key(key).count(SEPARATOR) + 1
        found: Export = {}
        for each in sorted(self._inside(key)):
            spelled, held = self._keys[each]
            below = SEPARATOR.join(spelled.split(SEPARATOR)[depth:])
            found[below] = {name: list(held[name]) for name in sorted(held)}
        return found or None

    def replace(self, key: str, content: Export | None) -> None:
        """Make everything under a key what an export says; Refusal, and nothing changed, when it is none."""
        spelled = checked_key(key)
        new = {
            SEPARATOR.join((spelled, below)) if below else spelled: _checked_values(found)
            for below, found in (content or {}).items()
        }
        spellings = {checked_key(each): found for each, found in new.items()}
        if len(self._keys) + len(spellings) > KEYS_MAX:
            raise Refusal("E_LIMIT", f"more than {KEYS_MAX} keys", "6.2.7-07")
        self.delete(key)
        for each, held in spellings.items():
            self._keys[canonical_registry_key(each)] = (each, held)

    def _inside(self, key: str) -> list[str]:
        start = canonical_registry_key(checked_key(key))
        return [each for each in self._keys if each == start or each.startswith(start + SEPARATOR)]

    def _values(self, key: str) -> dict[str, Value]:
        found = self._keys.get(canonical_registry_key(checked_key(key)))
        if found is None:
            raise Refusal("E_NOTFOUND", f"there is no key {key}", "6.2.7-12")
        return found[1]


def _spelled(found: Mapping[str, Value], name: str) -> str | None:
    return next((each for each in found if each.casefold() == name.casefold()), None)


def _checked_values(found: Any) -> dict[str, Value]:
    if not isinstance(found, dict):
        raise Refusal("E_RANGE", "the values of a key are an object", "6.2.7-12")
    held: dict[str, Value] = {}
    for name, value in found.items():
        if not isinstance(value, list) or len(value) != 2:
            raise Refusal("E_RANGE", f"value {name!r:.60} is no pair of type and data", "6.2.7-12")
        held[values.checked_name(name)] = values.checked(*value)
    return held
