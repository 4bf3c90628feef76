"""`python -m conformance.compare OLD NEW`: what changed between two reports. Exit status 1 when something became worse.

OLD and NEW are report.json files, or the folders of `--report`.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from conformance.suite.errors import ConformanceError
from conformance.suite.report import compare

UNREADABLE = 2


def read(path: Path) -> dict[str, Any]:
    """A report from a file or its folder; ConformanceError when there is none that can be read."""
    file = path / "report.json" if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConformanceError(f"{file}: cannot be read as a report: {error}") from error
    return compare.check(found, str(file))


def main(argv: list[str] | None = None) -> int:
    """Print the comparison; 0 nothing became worse, 1 something did, 2 a report cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m conformance.compare", description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    given = parser.parse_args(argv)
    try:
        found = compare.compare(read(given.old), read(given.new))
    except ConformanceError as error:
        print(error, file=sys.stderr)
        return UNREADABLE
    print(compare.as_text(found))
    return int(compare.regressed(found))


if __name__ == "__main__":
    sys.exit(main())
