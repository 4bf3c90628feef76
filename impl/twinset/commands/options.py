"""The words of a script command: its table of options and what was given. Pure.

An option is written `/X value`, `/X:value`, `-X value` or `--word value`, `--word=value`, in any case (the
guide writes `/F`, 4.5.2-17). A word that begins with a slash and has another one is a path, not an option;
`--` ends the options. What follows the operands of a command that starts a program belongs to the program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from twinset.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

OPERANDS_MAX: Final = 16
HELP: Final = frozenset({"/?", "-?", "--help"})
_SHORT: Final = re.compile(r"[/-](?P<name>[A-Za-z]+)(?::(?P<value>.*))?", re.DOTALL)
_LONG: Final = re.compile(r"--(?P<name>[A-Za-z][A-Za-z-]*)(?:=(?P<value>.*))?", re.DOTALL)
_NUMBER: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True)
class Option:
    """One option: its letter(s), its word, and what its value is called ("" when it takes none)."""

    letter: str
    word: str
    meaning: str
    value: str = ""
    clause: str = ""


@dataclass(frozen=True)
class Command:
    """What a command takes. With `program`, all words after its operands are a program and its arguments."""

    name: str
    meaning: str
    clause: str
    operands: tuple[str, ...] = ()  # those in brackets may be left out; `[name ...]` at the end: several
    options: tuple[Option, ...] = ()
    program: str = ""

    @property
    def room(self) -> int:
        """How many operands it takes."""
        several = bool(self.operands) and self.operands[-1].endswith("...]")
        return OPERANDS_MAX if several else len(self.operands)

    def usage(self) -> str:
        """One line: how it is written."""
        parts = [f"[/{each.letter}{' ' + each.value if each.value else ''}]" for each in self.options]
        return " ".join([self.name, *self.operands, *parts, *([self.program] if self.program else [])])

    def help(self) -> str:
        """Everything about it, as `/?` shows."""
        lines = [self.usage(), "", f"{self.meaning} [{self.clause}]", ""]
        for each in self.options:
            forms = f"/{each.letter}, --{each.word}{' ' + each.value if each.value else ''}"
            lines.append(f"  {forms:<28} {each.meaning}{f' [{each.clause}]' if each.clause else ''}")
        return "\n".join(lines).rstrip() + "\n"


@dataclass
class Given:
    """What was written: values by the option's word ("" for a flag), operands, the program."""

    values: dict[str, str] = field(default_factory=dict)
    operands: list[str] = field(default_factory=list)
    program: list[str] = field(default_factory=list)
    help: bool = False

    def has(self, word: str) -> bool:
        """True when the option was given."""
        return word in self.values

    def operand(self, index: int) -> str:
        """Return an operand, "" when it was left out."""
        return self.operands[index] if index < len(self.operands) else ""


def parse(command: Command, words: Sequence[str]) -> Given:
    """Sort the words; UsageError says which one does not fit."""
    given = Given()
    rest = list(words)
    taken = command.room
    while rest:
        word = rest.pop(0)
        if word in HELP:
            given.help = True
            return given
        if word == "--":
            _place(command, given, rest, taken)
            break
        named = _option(command, word)
        if named is None:
            if command.program and len(given.operands) == taken:
                given.program = [word, *rest]
                break
            given.operands.append(word)
            continue
        option, value = named
        if option.word in given.values:
            raise UsageError(f"/{option.letter} is given twice", option.clause or command.clause)
        given.values[option.word] = _value(command, option, value, rest)
    _check_counts(command, given, taken)
    return given


def _place(command: Command, given: Given, rest: list[str], taken: int) -> None:
    """After `--` no word is an option."""
    room = max(0, taken - len(given.operands)) if command.program else len(rest)
    given.operands += rest[:room]
    given.program = rest[room:]


def _option(command: Command, word: str) -> tuple[Option, str | None] | None:
    """Return the option a word names and the value in the same word; None when it is no option."""
    long = _LONG.fullmatch(word)
    found = long or _SHORT.fullmatch(word)
    if found is None:
        if word.startswith("-") and not re.fullmatch(r"-[0-9.]*", word):
            raise UsageError(f"unknown option {word!r}; it takes {_known(command)}", command.clause)
        return None
    name = found["name"].casefold()
    for option in command.options:
        if name == option.word.casefold() or (long is None and name == option.letter.casefold()):
            return option, found["value"]
    raise UsageError(
        f"unknown option {word!r}; it takes {_known(command)} (-- before a word that is none)", command.clause
    )


def _known(command: Command) -> str:
    return ", ".join(f"/{option.letter}" for option in command.options) or "no options"


def _value(command: Command, option: Option, value: str | None, rest: list[str]) -> str:
    clause = option.clause or command.clause
    if not option.value:
        if value is not None:
            raise UsageError(f"/{option.letter} takes no value", clause)
        return ""
    if value is None:
        if not rest:
            raise UsageError(f"/{option.letter} needs a value: {option.value}", clause)
        value = rest.pop(0)
    if not value:
        raise UsageError(f"/{option.letter} needs a value: {option.value}", clause)
    return value


def _check_counts(command: Command, given: Given, taken: int) -> None:
    for operand in command.operands[len(given.operands) :]:
        if not operand.startswith("["):
            raise UsageError(f"{operand} is missing", command.clause)
    if len(given.operands) > taken:
        raise UsageError(f"{given.operands[taken]!r} is one word too many", command.clause)
    if command.program and not given.program:
        raise UsageError(f"{command.program} is missing", command.clause)


def number(text: str, what: str, low: float, high: float, clause: str) -> float:
    """Return a number in a range; UsageError says what it has to be."""
    if not _NUMBER.fullmatch(text) or not low <= float(text) <= high:
        raise UsageError(f"{what} must be a number from {low:g} to {high:g}, not {text!r}", clause)
    return float(text)


def count(text: str, what: str, low: int, high: int, clause: str) -> int:
    """Return a whole number in a range; UsageError says what it has to be."""
    if not re.fullmatch("[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise UsageError(f"{what} must be a whole number from {low} to {high}, not {text!r}", clause)
    return int(text)
