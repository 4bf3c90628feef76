"""Runs the cases of clauses in a child of this process, and reads the verdicts from the suite's own report."""

import gc
import importlib
import json
import os
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance.suite.verdicts import FAIL, NO_CASE, CaseResult

CASES = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Seen:
    """The verdict of one clause and, when it did not pass, the first reason."""

    verdict: str
    reason: str = ""


class Only:
    """Leaves the cases of some clauses, and ends the run when each of them has failed: what comes could not mend it."""

    def __init__(self, clauses: Iterable[str]) -> None:
        self.clauses = set(clauses)
        self.standing = set(clauses)
        self.session: pytest.Session | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Remember whom to tell."""
        self.session = session

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what a case has done to its clauses."""
        for name, value in report.user_properties:
            if name == "conformance" and isinstance(value, dict):
                ended = CaseResult.of(value)
                self.standing -= {each for each in ended.clauses if ended.outcome_for(each) == FAIL}
        if self.session is not None and not self.standing:
            self.session.shouldstop = "every clause has failed"

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Drop the others."""
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            named = {clause_id for mark in item.iter_markers("clause") for clause_id in mark.args}
            (kept if named & self.clauses else dropped).append(item)
        items[:] = kept
        if dropped:
            config.hook.pytest_deselected(items=dropped)


def files_with(clauses: set[str]) -> list[str]:
    """The case files that speak of one of the clauses; reading them is quicker than importing all."""
    quoted = [f'"{clause_id}"' for clause_id in clauses]
    found = sorted(CASES.glob("test_*.py"))
    return [str(path) for path in found if any(q in path.read_text(encoding="utf-8") for q in quoted)]


def warm_up() -> None:
    """Import once, in this process, what every child would import: the suite, its cases, what both stand upon."""
    import pydantic  # noqa: F401 - the reference's, and by far the largest

    from conformance.suite import registry
    from harness.adapters import platform, reference  # noqa: F401

    registry.load_once()
    for path in CASES.glob("test_*.py"):
        importlib.import_module(f"conformance.{path.stem}")
    importlib.import_module("conformance.conftest")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"


def verdicts(
    clauses: set[str], tier: str, prepare: Callable[[], None], *, timeout_s: float, log: Path | None = None
) -> dict[str, Seen]:
    """The verdict of each clause, by its cases of one tier. `prepare` runs in the child, before any case."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        report = Path(folder)
        output = log or report / "output"
        pid = os.fork()
        if pid == 0:
            _child(clauses, tier, prepare, report, output)
        ended = _await(pid, timeout_s)
        if not (report / "report.json").exists():
            return dict.fromkeys(clauses, Seen("broken", f"{ended}: {_tail(output)}"))
        written = json.loads((report / "report.json").read_text(encoding="utf-8"))
    return {clause_id: _seen(clause_id, written) for clause_id in clauses}


def _seen(clause_id: str, report: dict[str, Any]) -> Seen:
    entry = report["clauses"].get(clause_id, {"verdict": NO_CASE})
    cases = [each for each in map(CaseResult.of, report["cases"]) if clause_id in each.clauses]
    reasons = (each.reason for each in cases if each.outcome_for(clause_id) == entry["verdict"])
    return Seen(entry["verdict"], next(reasons, ""))


def _child(
    clauses: set[str], tier: str, prepare: Callable[[], None], report: Path, output: Path
) -> None:  # pragma: no cover - runs in the child
    """Never returns."""
    status = 99
    try:
        os.setpgid(0, 0)
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        gc.disable()  # a short life
        prepare()
        options = ["-c", str(CASES / "pytest.ini"), "-q", "--tb=no", "--assert=plain"]
        for plugin in (
            "cacheprovider",
            "unraisableexception",
            "threadexception",
        ):  # each costs time at the end
            options += ["-p", f"no:{plugin}"]
        options += ["--tier", tier, "--report", str(report), *files_with(clauses)]
        status = int(pytest.main(options, plugins=[Only(clauses)]))
    except BaseException:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _await(pid: int, timeout_s: float) -> str:
    """How the child ended; it is ended when it takes too long."""
    deadline = time.monotonic() + timeout_s
    descriptor = os.pidfd_open(pid)
    try:
        if not _readable(descriptor, max(0.0, deadline - time.monotonic())):
            os.killpg(pid, signal.SIGTERM)
            if not _readable(descriptor, 10):
                os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return f"over its {timeout_s:g} s"
    finally:
        os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    return f"exit status {os.waitstatus_to_exitcode(status)}"


def _readable(descriptor: int, timeout_s: float) -> bool:
    return bool(select.select([descriptor], [], [], timeout_s)[0])


def _tail(path: Path) -> str:
    return path.read_text(errors="replace").strip()[-500:] if path.exists() else ""
