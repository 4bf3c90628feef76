"""The pages that operators follow: every command that they show exists, and every clause that they name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from twinset.operator.cli import app

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted((ROOT / "impl" / "docs").glob("*.md"))
FOR_PORTS = {"wire-protocol.md", "data-on-disk.md"}  # bytes, no commands
# What stands in code: a span between backticks, or a line of a block.
SPAN = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^```.*?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
CLAUSE = re.compile(r"\b(\d(?:\.\d+)*-\d\d)\b")


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of `twinset` that a page shows."""
    pieces = [*SPAN.findall(text)]
    for block in BLOCK.findall(text):
        pieces += block.splitlines()
    for piece in pieces:
        line = piece.strip().removeprefix("$ ").partition("#")[0]
        for part in re.split(r"[;|&]+", line):
            words = part.replace("[", "").replace("]", "").split()
            if words and words[0] in ("twinset", ".venv/bin/twinset") and len(words) > 1:
                yield words[1:]


def fault(words: list[str]) -> str:
    """Return what is wrong with a command; "" when it can be typed."""
    command: Any = typer.main.get_command(app)
    seen: list[str] = []
    while words and hasattr(command, "commands"):
        word = words.pop(0)
        choices = word.split("|") if "|" in word else [word]
        if not all(choice in command.commands for choice in choices):
            return f"{' '.join([*seen, word])}: no such command"
        command = command.commands[choices[0]]
        seen.append(word)
    known = {
        option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]
    }
    for word in words:
        option = word.partition("=")[0]
        if option.startswith("--") and option not in known | {"--help"}:
            return f"{' '.join(seen)}: no option {option}"
    return ""


@pytest.mark.parametrize("page", [x for x in PAGES if x.name not in FOR_PORTS], ids=lambda page: page.name)
def test_every_command_of_a_page_exists(page: Path) -> None:
    """With its options, as they are spelled there."""
    wrong = {problem for words in commands(page.read_text()) if (problem := fault(words))}
    assert not wrong, f"{page.name}: {sorted(wrong)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_clause_of_a_page_exists(page: Path) -> None:
    """No page honours what the guide does not say."""
    known = set((ROOT / "conformance" / "clauses" / "golden.txt").read_text().split())
    assert not set(CLAUSE.findall(page.read_text())) - known


def test_there_is_something_to_check() -> None:
    """A pattern that finds nothing would prove nothing."""
    found = [words for page in PAGES for words in commands(page.read_text())]
    assert len(found) > 80
    assert fault(["server", "explode"]) == "server explode: no such command"
    assert fault(["apply", "FILE", "--now"]) == "apply: no option --now"
