"""What the pages of impl/docs show: commands, outputs, clauses."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
import typer.main

from twinset.operator.cli import app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "impl" / "docs"
PAGES = sorted(DOCS.glob("*.md"))
FOR_PORTS = {"wire-protocol.md", "data-on-disk.md"}  # bytes, no commands

# What stands in code: a span between backticks, or a line of a block.
SPAN = re.compile(r"`([^`]+)`")
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n)(?: {4}(?! *[-*\d]).+\n)+", re.MULTILINE)
NO_SHELL = {"toml", "mermaid", "sh", "conf", "json"}  # languages of blocks that nobody types line by line
# The first word of what a person types; ARM* and an assignment before a command are commands too.
PROGRAMS = re.compile(
    r"(twinset|systemctl|journalctl|apt-get|pip|python3?|make|openssl|printf|sh|dd|u?mount|fsfreeze|nbdcopy|nbdfuse"
    r"|lp|lpstat|cancel|nmblookup|smbclient|fuser|tcpdump|iostat|ethtool|echo|vagrant|pytest|twinset-lab)$"
)
ARM = re.compile(r"ARM[A-Z]+$")
CLAUSE = re.compile(r"(?<![\w.])(\d(?:\.\d+)*|AUX|CAT|PRE|TOC)-(\d\d)\b")
MORE = re.compile(r"(, (?:and )?| to | and )(?:(\d(?:\.\d+)*)-|-)(\d\d)\b")


def clauses(text: str) -> set[str]:
    """The clauses that a text names; "6.3-01, -03 to -05" names four."""
    found = set()
    for first in CLAUSE.finditer(text):
        section, last = first[1], int(first[2])
        found.add(f"{section}-{last:02d}")
        at = first.end()
        while (more := MORE.match(text, at)) and more[2] in (None, section):
            numbers = range(last + 1, int(more[3]) + 1) if more[1] == " to " else [int(more[3])]
            found |= {f"{section}-{number:02d}" for number in numbers}
            last, at = int(more[3]), more.end()
    return found


def blocks(text: str) -> Iterator[list[str]]:
    """The lines of each block that may hold commands or their output."""
    for language, body in FENCED.findall(text):
        if language not in NO_SHELL:
            yield body.splitlines()
    for found in INDENTED.finditer(FENCED.sub("\n", text)):
        yield found[0].splitlines()


def is_command(line: str) -> bool:
    """Whether somebody may type it: it begins with a program, by name or by path."""
    words = line.split()
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    if not words:
        return False
    name = words[0].rpartition("/")[2]
    return bool(ARM.match(name)) or (bool(PROGRAMS.match(name)) and len(words) > 1)


def plain(line: str) -> str:
    """A line as it is typed: without prompt and remark, and with single spaces."""
    return words(re.sub(r"(^|\s)#( .*|$)", "", line)).removeprefix("$ ").removeprefix(".venv/bin/")


def commands(text: str) -> list[str]:
    """Every command that a page shows, once each, in the order of the first showing: spans, then blocks."""
    pieces = [plain(span) for span in SPAN.findall(FENCED.sub("\n", text))]
    pieces += [plain(line) for block in blocks(text) for line in block]
    return list(dict.fromkeys(piece for piece in pieces if is_command(piece)))


def words(text: str) -> str:
    """A text without the space that is there for the eye."""
    return " ".join(text.split())


def outputs(text: str) -> list[list[str]]:
    """Every output that a page shows: the lines of a block after its command, or of a block without one."""
    found = []
    for block in blocks(text):
        lines = [line for line in block if line.strip() and not is_command(plain(line))]
        if lines:
            found.append([words(line) for line in lines])
    return found


# Typer brings a click of its own along, or uses the one that is installed.
WRONG: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def fault(text: str) -> str:
    """What is wrong with a command of twinset; "" when it can be typed, or is only named."""
    return _judge(text)[0]


def is_named_only(text: str) -> bool:
    """Whether a text names a command of twinset, or one for scripts, without what it needs to be typed."""
    return bool(ARM.match(text)) or _judge(text)[1]


@functools.cache
def _commands() -> Any:
    """The tree of the commands of twinset."""
    return typer.main.get_command(app)


@functools.cache
def _judge(text: str) -> tuple[str, bool]:
    """The fault, and whether the command is only named; one command stands for both sides of a pipe."""
    words = re.split(r"[;|&>]+\s", f"{text} ")[0].replace("[", "").replace("]", "").split()
    if words[0] != "twinset":
        return "", False
    command = _commands()
    seen = [words.pop(0)]
    while words and not words[0].startswith("-") and hasattr(command, "commands"):
        choices = words.pop(0).split("|")
        if not all(choice in command.commands for choice in choices):
            return f"{' '.join([*seen, '|'.join(choices)])}: no such command", False
        command = command.commands[choices[0]]
        seen.append("|".join(choices))
    if hasattr(command, "commands"):
        return "", not words or seen != ["twinset"]
    try:
        command.make_context(seen[-1], [word.strip("'") for word in words])
    except typer.Exit:  # --help
        return "", False
    except WRONG as error:
        if not words:
            return "", True
        return f"{' '.join([*seen, *words])}: {type(error).__name__} {error.format_message()}", False
    return "", False
