"""The project's own commands, as its READMEs and pages show them: modules, options and targets are there."""

import importlib.util
import re
from pathlib import Path

import pytest

from impl.tests import pages

READMES = [pages.ROOT / part / "README.md" for part in (".", "harness", "conformance", "perf")]
TARGETS = set(re.findall(r"^(?!\.)([\w -]+):", (pages.ROOT / "Makefile").read_text(), re.MULTILINE))
EVERY = {target for line in TARGETS for target in line.split()}


def commands(begins: str) -> list[str]:
    """What READMEs and pages show of a program, one command at a time."""
    texts = [part for file in (*READMES, *pages.PAGES) for part in pages.commands(file.read_text())]
    parts = [part.strip() for text in texts for part in text.split("&&")]
    return sorted({re.sub(r"^(?:[A-Z_]+=\S+ )+", "", part) for part in parts if f"{begins} " in f"{part} "})


def sources(module: str) -> str:
    """The text of a module and of what lies beside it; of a package all of it."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return ""
    return "\n".join(file.read_text() for file in sorted(Path(spec.origin).parent.rglob("*.py")))


@pytest.mark.parametrize("text", commands("python -m"))
def test_every_module_and_option_is_there(text: str) -> None:
    """An option that nobody parses, or a module that was moved, is wrong on the page."""
    module = re.search(r"python -m ([\w.]+)", text)
    assert module
    found = sources(module[1])
    assert found, f"no module {module[1]}"
    for option in re.findall(r"(?<= )--([a-z-]+)", text):
        assert f'"--{option}"' in found or f"{option.replace('-', '_')}:" in found, f"{text}: no --{option}"


@pytest.mark.parametrize("text", commands("make"))
def test_every_target_is_there(text: str) -> None:
    """What make is asked for, without its variables."""
    words = re.sub(r'\w+="[^"]*"|\w+=\S+', "", text.partition("make ")[2]).split()
    assert set(words) <= EVERY


def test_there_is_something_to_check() -> None:
    """A pattern that finds nothing would prove nothing."""
    assert len(commands("python -m")) > 25
    assert len(commands("make")) > 7
    assert {"demo", "test", "vms-shell"} <= EVERY
