"""Every command and every output of every page is walked on two servers (test_pair_pages.py), or has a reason."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from impl.tests import pages

WALKS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "pair" / "walks.toml").read_text())
STEPS = [(part["page"], step) for part in WALKS["part"] for step in part["steps"]]
REASONS_MAX = 4  # this number goes down, never up
REASONS = tuple(begins for reason in WALKS["cannot"] for begins in reason["begins"])
TEXTS = {page.name: page.read_text() for page in pages.PAGES if page.name not in pages.FOR_PORTS}
TEXTS["README.md of the project"] = (pages.ROOT / "README.md").read_text()


def filled(text: str) -> str:
    """A command as it is typed in the lab: two pages may show one command with other words."""
    for word, value in WALKS["words"].items():
        text = re.sub(rf"(?<![\w-]){word}(?![\w-])", value, text)
    return text.replace("/dev/sdb", "PATH").replace("[", "").replace("]", "")


def typed() -> set[str]:
    """The commands of the walks."""
    return {filled(text) for _, step in STEPS for text in [step.get("show"), *step.get("shows", [])] if text}


def left(page: str) -> set[str]:
    """The commands of a page that no walk types, without assignments before them."""
    texts = {text for text in pages.commands(TEXTS[page]) if not pages.is_named_only(text)}
    return {re.sub(r"^(?:[A-Z_]+=\S+ )+", "", text) for text in texts if filled(text) not in typed()}


@pytest.mark.parametrize("page", TEXTS)
def test_every_command_of_a_page_is_typed_on_two_servers(page: str) -> None:
    """In a walk, or a table says why it can not be."""
    assert {text for text in left(page) if not text.startswith(REASONS)} == set()


def test_a_walk_types_what_a_page_shows() -> None:
    """A step whose command stands on no page any more proves nothing about the pages."""
    known = {filled(text) for text in TEXTS.values() for text in pages.commands(text)}
    assert typed() - known == set()


def test_reasons_are_few_and_needed() -> None:
    """Each is the only excuse of a command; a new one needs more than a line."""
    assert len(WALKS["cannot"]) <= REASONS_MAX
    texts = {text for page in TEXTS for text in left(page)}
    assert {begin for begin in REASONS if not any(text.startswith(begin) for text in texts)} == set()


@pytest.mark.parametrize("page", TEXTS)
def test_every_output_of_a_page_is_compared(page: str) -> None:
    """With what the command says in a walk."""
    compared = {pages.words(step["out"]) for at, step in STEPS if "out" in step and at == page}
    first = {block[0] for block in pages.outputs(TEXTS[page])}
    assert {line for line in first if not any(line.startswith(begin) for begin in compared)} == set()


def test_every_page_of_a_walk_is_there() -> None:
    """And every walk is made by a test."""
    assert {part["page"] for part in WALKS["part"]} <= set(TEXTS)
    walked = (Path(__file__).parent / "pair" / "test_pair_pages.py").read_text()
    assert {part["walk"] for part in WALKS["part"]} == set(re.findall(r'parts\("(\w+)"\)', walked))
