"""``twinset check FILE``: everything that is wrong with a configuration, at once.

Reads one file and nothing else: no daemon, no other server. Exit status 0 when no finding is an error.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from twinset.config import check_file
from twinset.finding import Finding, errors
from twinset.operator import local, render

ACCEPTED = 0


def run_check(path: str | Path, as_json: bool) -> int:
    """Print the findings about a file; return the exit status of the command."""
    findings = check_file(path)
    name = str(path).encode(errors="backslashreplace").decode()  # a file name may be any bytes
    accepted = not errors(findings)
    if as_json:
        report = {"file": name, "accepted": accepted, "findings": [item.as_json() for item in findings]}
        local.print_json(report)
    else:
        _show(Console(), name, findings)
    return ACCEPTED if accepted else local.REFUSED


def _show(console: Console, path: str, findings: Sequence[Finding]) -> None:
    """Print one line per finding, errors first, and a summary."""
    render.findings(console, findings)
    wrong = len(errors(findings))
    counts = f"{_counted(wrong, 'error')}, {_counted(len(findings) - wrong, 'warning')}"
    verdict = f"{path} is refused" if wrong else f"{path} is accepted"
    console.print(Text(f"{verdict}: {counts}", style="red" if wrong else "green"), soft_wrap=True)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
