"""The pages that operators follow: every command that they show exists, and every clause that they name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main

from twinset.operator.cli import app

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted((ROOT / "impl" / "docs").glob("*.md"))
FOR_PORTS = {"wire-protocol.md", "data-on-disk.md"}  # bytes, no commands
# What stands in code: a span between backticks, or a line of a block.
SPAN = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^```.*?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
CLAUSE = re.compile(r"\b((?:\d(?:\.\d+)*|AUX|CAT)-\d\d)\b")
INDEX = ROOT / "impl" / "docs" / "operating.md"
TASKS = ("plan", "build", "operate", "recover", "maintain")
GENERATED = {
    "events.md",
    "states.md",
}  # of every event and every state; what they mean for a task stands elsewhere
# Typer brings a click of its own along, or uses the one that is installed.
WRONG: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


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
    """Return what is wrong with a command; "" when it can be typed, or is only named."""
    command: Any = typer.main.get_command(app)
    seen: list[str] = []
    if ">" in words:
        words = words[: words.index(">")]
    while words and hasattr(command, "commands"):
        word = words.pop(0)
        choices = word.split("|") if "|" in word else [word]
        if not all(choice in command.commands for choice in choices):
            return f"{' '.join([*seen, word])}: no such command"
        command = command.commands[choices[0]]
        seen.append(word)
    if not words or hasattr(command, "commands"):
        return ""
    try:
        command.make_context(seen[-1], [word.strip("'") for word in words])
    except typer.Exit:  # --help
        return ""
    except WRONG as error:
        return f"{' '.join([*seen, *words])}: {type(error).__name__} {error.format_message()}"
    return ""


@pytest.mark.parametrize("page", [x for x in PAGES if x.name not in FOR_PORTS], ids=lambda page: page.name)
def test_every_command_of_a_page_exists(page: Path) -> None:
    """And takes the arguments and options that stand there; one that is only named needs none."""
    wrong = {problem for words in commands(page.read_text()) if (problem := fault(words))}
    assert not wrong, f"{page.name}: {sorted(wrong)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_clause_of_a_page_exists(page: Path) -> None:
    """No page honours what the guide does not say."""
    known = set((ROOT / "conformance" / "clauses" / "golden.txt").read_text().split())
    assert not set(CLAUSE.findall(page.read_text())) - known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """To a file that is there, and in a page to a heading of it."""
    for target in LINK.findall(page.read_text()):
        name, _, anchor = target.partition("#")
        if "://" in name:
            continue
        file = page.parent / name if name else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_the_pages_are_sorted_by_task() -> None:
    """Every page for operators is led to from the table of operating.md, under one of the five tasks."""
    table = INDEX.read_text().partition("\n## ")[0]
    assert re.findall(r"^\| \*\*(\w+)\*\* \|", table, re.MULTILINE) == list(TASKS)
    led_to = {target.partition("#")[0] for target in LINK.findall(table)} | {INDEX.name}
    for_readers = FOR_PORTS | {"mirror-rules.md"}
    assert {page.name for page in PAGES} - led_to - for_readers == set()


@pytest.mark.parametrize("page", [x for x in PAGES if x.name not in GENERATED], ids=lambda page: page.name)
def test_every_page_names_the_clauses_that_it_honours(page: Path) -> None:
    """At least one, and none that the guide does not have (above)."""
    assert CLAUSE.findall(page.read_text())


def test_there_is_something_to_check() -> None:
    """A pattern that finds nothing would prove nothing."""
    found = [words for page in PAGES for words in commands(page.read_text())]
    assert len(found) > 80
    assert fault(["server", "explode"]) == "server explode: no such command"
    assert "No such option" in fault(["apply", "FILE", "--now"])
    assert "MissingParameter" in fault(["disk", "prepare", "/dev/sdb", "--other", "SIZE"])
    assert fault(["group", "move"]) == ""
