"""The table of outcomes in partition.md is the one that test_pair_partition.py walks through, cell by cell."""

import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TABLE: dict[str, Any] = tomllib.loads((HERE / "pair" / "outcomes.toml").read_text())
PAGE = (HERE.parent / "docs" / "partition.md").read_text()


def document() -> str:
    """The table as it stands in the page."""
    options = TABLE["options"]
    lines = [f"| what happens | {' | '.join(options.values())} |", "| --- |" + " --- |" * len(options)]
    for row in TABLE["row"]:
        cells = [TABLE["outcomes"].get(row[option], "") for option in options]
        lines.append(f"| {row['what']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_the_page_has_the_table_that_is_tested() -> None:
    """A row or a cell that differs would be a promise that nobody has seen kept."""
    assert document() in PAGE


def test_every_outcome_is_somebodys() -> None:
    """And every cell names one."""
    used = {row[option] for row in TABLE["row"] for option in TABLE["options"]} - {""}
    assert used == set(TABLE["outcomes"])
