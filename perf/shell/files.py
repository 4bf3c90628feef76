"""The files that the commands read and write."""

import json
from pathlib import Path
from typing import Any

from perf.errors import PerfError


def read_json(file: Path) -> Any:
    """A JSON file; PerfError with its name when it is none."""
    try:
        return json.loads(file.read_text())
    except ValueError as error:
        raise PerfError(f"{file}: {error}") from error


def write_json(file: Path, body: Any) -> None:
    """Write in one step: a reader sees the old file or the new one."""
    write_text(file, json.dumps(body, indent=1) + "\n")


def write_text(file: Path, text: str) -> None:
    """Write in one step."""
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(text)
    fresh.replace(file)
