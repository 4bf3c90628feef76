"""Writes the three forms of a report into a folder: the one place of the report that touches files."""

import json
from pathlib import Path
from typing import Any

from conformance.suite.report import junit, page
from conformance.suite.report.compare import Comparison


def write(folder: Path, report: dict[str, Any], comparison: Comparison | None = None) -> list[Path]:
    """Write report.json, junit.xml and report.html; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.json": json.dumps(report, indent=1, ensure_ascii=False) + "\n",
        "junit.xml": junit.render(report),
        "report.html": page.render(report, comparison),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]
