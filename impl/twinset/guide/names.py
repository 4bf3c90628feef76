"""The guide's rules about names, letters and keys, as data with one judge.

Every function here returns the problems of one text, each with its class, its words and its clause; what has
to be unique is judged where all names are known.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from twinset.guide import limits
from twinset.guide.limits import Limit


@dataclass(frozen=True)
class Problem:
    """What is wrong with a text. The caller knows where it stands."""

    code: str
    text: str
    clause: str
    limit: int | str | None = None


@dataclass(frozen=True)
class NameRule:
    """How long a name may be, in bytes of UTF-8, and of what it may consist."""

    bytes_max: Limit
    allowed: str  # a class of characters, as in a regular expression; empty: anything that can be printed
    allowed_words: str
    charset_clause: str
    computer_name: bool = False  # also: no hyphen at either end, not digits alone


_WORD = r"A-Za-z0-9_\-"
_WORD_WORDS = "letters A-Z a-z, digits, - and _"
_LABEL = r"A-Za-z0-9\-"
_LABEL_WORDS = "letters A-Z a-z, digits and -"

CLUSTER = NameRule(limits.CLUSTER_NAME_BYTES_MAX, _WORD, _WORD_WORDS, "2.2.2.3-01")
SERVER = NameRule(limits.SERVER_NAME_BYTES_MAX, _LABEL, _LABEL_WORDS, "2.2.2.3-05", computer_name=True)
GROUP = NameRule(limits.GROUP_NAME_BYTES_MAX, _WORD, _WORD_WORDS, "6.2.1-03")
VIRTUAL_COMPUTER = NameRule(
    limits.VIRTUAL_COMPUTER_NAME_BYTES_MAX, _LABEL, _LABEL_WORDS, "7.3.1.1-04", computer_name=True
)
LAN = NameRule(limits.LAN_NAME_BYTES_MAX, "", "", "")
INTERCONNECT = NameRule(limits.INTERCONNECT_NAME_BYTES_MAX, "", "", "")
ACCOUNT = NameRule(limits.ACCOUNT_NAME_BYTES_MAX, "", "", "")

# Where the guide has no rule and we need one: names that become parts of file and interface names.
MIRROR_SET = NameRule(Limit(15, "", "bytes"), _WORD, _WORD_WORDS, "")
INTERFACE = NameRule(Limit(15, "", "bytes"), r"!-.0-~", "printable ASCII without / and blanks", "")

# Unusable as names of groups (2.2.2.3-13, 6.2.1-07): accepted, but then the group does not start.
DOS_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL"}
    | {f"COM{digit}" for digit in range(1, 10)}
    | {f"LPT{digit}" for digit in range(1, 10)}
)

RESERVED_LETTERS = frozenset("AB")  # 2.2.2.1-06
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


_SHOWN_MAX = 60


def quoted(text: str) -> str:
    """Return a text as messages show it: in quotation marks, shortened, nothing that moves a terminal."""
    short = text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 3] + "..."
    return f'"{short}"' if short.isprintable() else ascii(short)


def byte_count(text: str) -> int:
    """Return the length of a text as every limit of the guide counts it: in bytes, here of UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


def length_problem(text: str, bytes_max: Limit, *, empty_allowed: bool = False) -> Iterator[Problem]:
    """Yield a problem when a text has too many bytes, or none."""
    size = byte_count(text)
    if size > bytes_max:
        words = f"{quoted(text)} is {size} bytes, at most {bytes_max} are allowed"
        yield Problem("E_LENGTH", words, bytes_max.clause, int(bytes_max))
    if not size and not empty_allowed:
        yield Problem("E_LENGTH", "is empty", bytes_max.clause, 1)


def name_problems(name: str, rule: NameRule) -> Iterator[Problem]:
    """Yield what is wrong with a name."""
    yield from length_problem(name, rule.bytes_max)
    if rule.allowed:
        bad = re.sub(f"[{rule.allowed}]", "", name)
        words = rule.allowed_words
    else:
        bad = "".join(char for char in name if not char.isprintable())
        words = "characters that can be printed"
    if bad:
        text = f"{quoted(name)} contains {_characters(bad)}, allowed are {words}"
        yield Problem("E_CHARSET", text, rule.charset_clause, words)
    elif rule.computer_name and "-" in {name[:1], name[-1:]}:
        text = f"{quoted(name)} begins or ends with a hyphen"
        yield Problem("E_CHARSET", text, rule.charset_clause, rule.allowed_words)
    elif rule.computer_name and name.isdigit():
        text = f"{quoted(name)} consists of digits only"
        yield Problem("E_CHARSET", text, rule.charset_clause, rule.allowed_words)


def is_dos_device(name: str) -> bool:
    """True for a name under which no group starts (6.2.1-07), in any case."""
    return name.upper() in DOS_DEVICES


def letter_problems(letter: str, system_letters: Iterable[str]) -> Iterator[Problem]:
    """Yield what is wrong with the drive letter of a data partition (2.2.2.1-06)."""
    capital = letter.upper()
    if len(letter) != 1 or capital not in LETTERS:
        yield Problem("E_CHARSET", f"{quoted(letter)} is not one letter from A to Z", "2.2.2.1-06", "A-Z")
    elif capital in RESERVED_LETTERS:
        yield Problem(
            "E_RESERVED", f"letter {quoted(letter)} is reserved, as A and B are", "2.2.2.1-06", "C-Z"
        )
    elif capital in {other.upper() for other in system_letters}:
        yield Problem(
            "E_RESERVED", f"letter {quoted(letter)} is that of the system drive", "2.2.2.1-06", "C-Z"
        )


_ROOTS = {
    "HKEY_LOCAL_MACHINE": "HKEY_LOCAL_MACHINE",
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKEY_USERS": "HKEY_USERS",
    "HKU": "HKEY_USERS",
}
_OWN_KEY = ("SOFTWARE", "NEC", "ESMARM")  # under HKEY_LOCAL_MACHINE: the cluster's own configuration
_COMPONENT_CHARACTERS_MAX = 255
REGISTRY_DEPTH_BROAD = 1  # a key this close to its root holds far more than one application's settings


def registry_key_problems(key: str) -> Iterator[Problem]:
    """Yield what is wrong with a key that is to follow a group (6.2.7-08 to -13)."""
    yield from length_problem(key, limits.REGISTRY_KEY_BYTES_MAX)
    if not key:
        return
    root, *components = key.split("\\")
    for component in components:
        if not component or "\0" in component or len(component) > _COMPONENT_CHARACTERS_MAX:
            text = f"{quoted(key)}: a component has 1 to {_COMPONENT_CHARACTERS_MAX} characters and no NUL"
            yield Problem("E_CHARSET", text, "6.2.7-12", _COMPONENT_CHARACTERS_MAX)
            break
    yield from _root_problems(key, root, tuple(component.upper() for component in components))


def _root_problems(key: str, root: str, below: tuple[str, ...]) -> Iterator[Problem]:
    name = _ROOTS.get(root.upper())
    if name is None:
        text = f"{quoted(key)} is neither under HKEY_LOCAL_MACHINE nor under HKEY_USERS"
        yield Problem("E_RANGE", text, "6.2.7-08", "HKEY_LOCAL_MACHINE, HKEY_USERS")
    elif name == "HKEY_USERS" and not below:
        yield Problem("E_RANGE", f"{quoted(key)} is the root itself, a key below it is expected", "6.2.7-09")
    elif name == "HKEY_LOCAL_MACHINE" and below[: len(_OWN_KEY)] == _OWN_KEY[: len(below)]:
        text = f"{quoted(key)} holds, or lies in, the cluster's own configuration"
        yield Problem("E_RESERVED", text, "6.2.7-10", "HKEY_LOCAL_MACHINE\\" + "\\".join(_OWN_KEY))


def registry_depth(key: str) -> int:
    """Return how many levels below its root a key lies."""
    return key.count("\\")


def registry_overlap(left: str, right: str) -> bool:
    """True when one key is the other, or lies in it."""
    one, two = (canonical_registry_key(key) + "\\" for key in (left, right))
    return one.startswith(two) or two.startswith(one)


def canonical_registry_key(key: str) -> str:
    """Return the spelling in which two keys are compared: full root name, capitals."""
    root, _, rest = key.partition("\\")
    full = _ROOTS.get(root.upper(), root.upper())
    return f"{full}\\{rest.upper()}" if rest else full


def _characters(text: str) -> str:
    return ", ".join(dict.fromkeys(ascii(char) for char in text))
