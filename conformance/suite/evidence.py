"""What is kept of a case that did not pass: the adapter's words meanwhile, and what the port left behind."""

import contextlib
import os
import platform
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from conformance.suite.adapter import Adapter
from conformance.suite.errors import AdapterError, PortAnswer
from conformance.suite.report import clean

LOG = "adapter.log"
ARTEFACTS = "artefacts"
LINES_MAX = 25  # of the log for a case; the file has the rest
LINE_CHARACTERS_MAX = 400
COLLECTED_MAX = 20  # cases of a run: what a port leaves behind may be large
_READ_BYTES_MAX = 256 * 1024
# Numbers, and the blanks that hold their columns: a server's name keeps its own.
_NUMBER = re.compile(r"(?<![\w.])[\d.]+(?!\w)|\s+")


def log_end(log: Path) -> int:
    """Where the log ends now, as a mark for `log_since`."""
    try:
        return log.stat().st_size
    except OSError:
        return 0


def log_since(log: Path, mark: int) -> list[str]:
    """The last lines that were written since the mark."""
    try:
        with log.open("rb") as file:
            file.seek(max(mark, log_end(log) - _READ_BYTES_MAX))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [clean.text(line, LINE_CHARACTERS_MAX) for line in folded(text.splitlines())[-LINES_MAX:]]


def folded(lines: Iterable[str]) -> list[str]:
    """Lines in a row that differ in numbers only, such as a status that is asked for until it fits, are one."""
    found = []
    for _, run in groupby(lines, key=lambda line: _NUMBER.sub("", line)):
        first, *more = run
        found.append(f"{first}   (and {len(more)} more like it)" if more else first)
    return found


class Collector:
    """Has the adapter collect what the port left behind, into a folder for each case beside the report."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.collected = 0

    def collect(self, adapter: Adapter, case: str) -> str:
        """Collect for a case; return the folder relative to the report, or "" when there is nothing."""
        if self.collected >= COLLECTED_MAX:
            return ""
        self.collected += 1
        name = f"{self.collected:02}-{re.sub(r'[^A-Za-z0-9.-]+', '-', case)[:80].strip('-.')}"
        target = self.folder / ARTEFACTS / name
        target.mkdir(parents=True, exist_ok=True)
        # Evidence is a kindness: a case is not worse for want of it.
        with contextlib.suppress(AdapterError, PortAnswer):
            adapter.request("collect", {"dir": str(target.resolve())})
        if any(target.iterdir()):
            return f"{ARTEFACTS}/{name}"
        target.rmdir()
        return ""


def environment() -> dict[str, Any]:
    """Where the suite runs, as the report shows it."""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "processors": os.cpu_count() or 0,
        "patience": os.environ.get("CONFORMANCE_PATIENCE", "1"),
    }


def now() -> str:
    """The time of the report, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
