"""Starts the adapter, hands cases their tools, and counts how each case ends."""

import os
import sys
from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from conformance.suite import cases, known_failures, registry, verdicts
from conformance.suite.adapter import Adapter
from conformance.suite.errors import CaseError
from conformance.suite.inspect import Inspect
from conformance.suite.judge import Judge
from conformance.suite.pair import Pair
from conformance.suite.static import Static

LAB = "TWINSET_LAB"  # read by the adapter
HERE = Path(__file__).resolve().parent
# The suite does not know the reference: it starts its adapter like that of any other port.
DEFAULT_ADAPTER = f"{sys.executable} -m harness.adapters.reference"
MARKERS = (
    "clause(*ids): the guide's clauses a conformance case proves",
    "cluster(name): the cluster configuration of the pair tier that a case needs",
    "smoke: one of the few cases that show power cut, failover, return, high-speed copy and names",
    "needs(*capabilities): what the adapter has to declare, or the case is unsupported",
    "spoils: the case leaves the pair in a state that no other case can begin with",
)
REGISTRY = pytest.StashKey[registry.Registry]()
VERDICTS = pytest.StashKey[verdicts.Verdicts]()
KNOWN = pytest.StashKey[known_failures.KnownFailures]()
ADAPTER = pytest.StashKey[Adapter]()
JUDGE = pytest.StashKey[Judge]()


def pytest_addoption(parser: pytest.Parser) -> None:
    options = parser.getgroup("conformance")
    options.addoption("--adapter", default=DEFAULT_ADAPTER, metavar="CMD", help="the adapter's command line")
    options.addoption(
        "--tier", action="append", choices=["static", "pair"], help="run only cases of this tier"
    )
    options.addoption(
        "--section", action="append", metavar="N", help="run only this section and those below it"
    )
    options.addoption("--report", type=Path, metavar="DIR", help="write report.json, log and artefacts there")
    options.addoption(
        "--lab",
        metavar="NAME",
        help="where the adapter brings the servers up, given to it as TWINSET_LAB; "
        "the reference's: namespaces, vagrant, auto (default: the virtual machines where they are up)",
    )
    options.addoption("--known-failures", type=Path, default=HERE / "known-failures.toml", metavar="FILE")


def pytest_configure(config: pytest.Config) -> None:
    for line in MARKERS:
        config.addinivalue_line("markers", line)
    config.stash[REGISTRY] = registry.load_once()
    config.stash[VERDICTS] = verdicts.Verdicts(config.stash[REGISTRY])
    config.stash[KNOWN] = known_failures.load(config.getoption("--known-failures"))


def clauses_of(item: pytest.Item) -> tuple[str, ...]:
    """The clauses a case names; none for the suite's own tests."""
    return tuple(clause_id for mark in item.iter_markers("clause") for clause_id in mark.args)


def tier_of(item: pytest.Item) -> str:
    """A case that asks for the pair needs two servers."""
    return "pair" if "pair" in getattr(item, "fixturenames", ()) else "static"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    known = config.stash[REGISTRY]
    tiers, sections = config.getoption("--tier"), tuple(config.getoption("--section") or ())
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        ids = clauses_of(item)
        unknown = [clause_id for clause_id in ids if clause_id not in known]
        if unknown:
            raise pytest.UsageError(f"{item.nodeid}: no such clause: {unknown}")
        in_tier = not tiers or tier_of(item) in tiers
        in_section = not sections or any(cases.in_section(clause_id, sections) for clause_id in ids)
        (kept if not ids or (in_tier and in_section) else dropped).append(item)
    items[:] = sorted(kept, key=_order)
    config.stash[VERDICTS].not_selected = {clause_id for item in dropped for clause_id in clauses_of(item)}
    if dropped:
        config.hook.pytest_deselected(items=dropped)


def _order(item: pytest.Item) -> tuple[bool, str, bool]:
    """The static tier first; then the cases of one cluster configuration together, so that few are set up.

    Those after which the pair has to be set up anew come last among them.
    """
    mark = item.get_closest_marker("cluster")
    spoils = item.get_closest_marker("spoils") is not None
    return tier_of(item) == "pair", str(mark.args[0]) if mark else "", spoils


@pytest.fixture(scope="session")
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    """The adapter, started once; an adapter that fails the probe breaks every case."""
    config = request.config
    folder = config.getoption("--report") or config.rootpath / ".conformance"
    if config.getoption("--lab"):
        os.environ[LAB] = config.getoption("--lab")
    found = Adapter.start(config.getoption("--adapter"), folder / "adapter.log")
    config.stash[ADAPTER] = found
    yield found
    found.close()


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    """The judge of this case."""
    node: pytest.Item = request.node
    found = Judge(request.config.stash[REGISTRY], clauses_of(node))
    node.stash[JUDGE] = found
    return found


@pytest.fixture
def static(adapter: Adapter, judge: Judge) -> Static:
    """The port's judgement of configurations."""
    adapter.require_tier("static")
    return Static(adapter, judge)


@pytest.fixture
def inspect(request: pytest.FixtureRequest, adapter: Adapter, judge: Judge) -> Inspect:
    """The port's judgement of disks."""
    adapter.require_tier("static")
    _require(request, adapter)
    return Inspect(adapter, judge)


@pytest.fixture(scope="session")
def session_pair(adapter: Adapter) -> Pair:
    """The two servers, shared by all cases of the pair tier."""
    adapter.require_tier("pair")
    return Pair(adapter)


@pytest.fixture
def pair(request: pytest.FixtureRequest, session_pair: Pair) -> Pair:
    """The two servers with the cluster configuration that the case names with `@pytest.mark.cluster`."""
    mark = request.node.get_closest_marker("cluster")
    if mark is None:
        raise CaseError("a case of the pair tier names its configuration: @pytest.mark.cluster(...)")
    _require(request, session_pair.adapter)
    session_pair.use(str(mark.args[0]))
    return session_pair


def _require(request: pytest.FixtureRequest, adapter: Adapter) -> None:
    """Raise Unsupported unless the adapter declares what the case needs."""
    for needs in request.node.iter_markers("needs"):
        for capability in needs.args:
            adapter.require(capability)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    ids = clauses_of(item)
    if not ids or (report.when == "teardown" and report.passed):
        return
    if report.when == "setup" and report.passed:
        return
    error = call.excinfo.value if call.excinfo else None
    found = item.stash.get(JUDGE, None)
    if error is None and found is not None and found.unjudged():
        error = CaseError(f"the case ended without judging {found.unjudged()}")
        report.outcome, report.longrepr = "failed", str(error)
    result = verdicts.CaseResult(
        case=cases.case_id(item.name, ids),
        node=item.nodeid,
        clauses=ids,
        tier=tier_of(item),
        outcome=verdicts.outcome_of(error),
        reason=str(error).strip() if error else "",
        duration_s=round(call.duration, 3),
        checks=found.as_dicts() if found else [],
    )
    item.config.stash[KNOWN].apply(result)
    _show(item, report, result)
    report.user_properties.append(("conformance", asdict(result)))


def _show(item: pytest.Item, report: pytest.TestReport, result: verdicts.CaseResult) -> None:
    """Let pytest's own outcome follow the suite's."""
    place = (str(item.path), (item.location[1] or 0) + 1)
    if result.outcome in {verdicts.UNSUPPORTED, verdicts.NOT_RUN, verdicts.XFAIL}:
        report.outcome = "skipped"
        report.longrepr = (*place, f"{result.outcome}: {result.reason}")
    elif result.outcome == verdicts.FAIL and report.outcome != "failed":
        report.outcome, report.longrepr = "failed", result.reason
    elif result.outcome == verdicts.FAIL:
        report.longrepr = f"{result.case}\n{result.reason}"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, value in report.user_properties:
        if name == "conformance" and isinstance(value, dict):
            _ended.append(verdicts.CaseResult(**{**value, "clauses": tuple(value["clauses"])}))


_ended: list[verdicts.CaseResult] = []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    found = session.config.stash[VERDICTS]
    while _ended:
        found.add(_ended.pop(0))
    if found.results and not found.checks_executed and session.exitstatus == pytest.ExitCode.OK:
        # A run that compared nothing has shown nothing, however green it looks.
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    folder = session.config.getoption("--report")
    if folder and found.results:
        options = {name: session.config.getoption(f"--{name}") for name in ("adapter", "tier", "section")}
        described = session.config.stash.get(ADAPTER, None)
        found.write(folder, described.description if described else {}, options)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    found = config.stash[VERDICTS]
    if not found.results:
        return
    terminalreporter.section("conformance")
    described = config.stash.get(ADAPTER, None)
    if described and described.description.get("lab"):
        terminalreporter.write_line(f"lab: {described.description['lab']}")
    for line in found.summary():
        terminalreporter.write_line(line)
    if not found.checks_executed:
        terminalreporter.write_line(
            "nothing was checked: this run proves nothing and counts as failed", red=True
        )
