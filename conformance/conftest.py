"""Starts the adapter, hands cases their tools, and counts how each case ends."""

import os
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from conformance import compare
from conformance.suite import (
    cases,
    documents,
    evidence,
    hooks,
    known_failures,
    levels,
    must_run,
    registry,
    uncased,
    verdicts,
)
from conformance.suite.adapter import Adapter
from conformance.suite.advised import Advised
from conformance.suite.errors import CaseError, ConformanceError
from conformance.suite.inspect import Inspect
from conformance.suite.judge import Judge
from conformance.suite.measured import Measured
from conformance.suite.pair import Pair
from conformance.suite.report import compare as comparing
from conformance.suite.report import earlier, model, write
from conformance.suite.static import Static

LAB = "TWINSET_LAB"  # read by the adapter
HERE = Path(__file__).resolve().parent
# The suite does not know the reference: it starts its adapter like that of any other port.
DEFAULT_ADAPTER = f"{sys.executable} -m harness.adapters.reference"
REFERENCE_DOCUMENTS = HERE / "reference-documents.toml"
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
BASELINE = pytest.StashKey[dict[str, Any] | None]()
BEGUN = pytest.StashKey[tuple[str, float]]()  # of the run: date and clock
MARK = pytest.StashKey[int]()  # of a case: where the adapter's log ended when it began
HOOKS = pytest.StashKey[hooks.Hooks]()
COLLECTOR = pytest.StashKey[evidence.Collector]()
DOCUMENTS = pytest.StashKey[Mapping[str, documents.Honoured]]()
EARLIER = pytest.StashKey[earlier.Earlier]()  # of the report: what a run of failed cases goes on with
OPTIONS = ("adapter", "tier", "section", "profile")


def pytest_addoption(parser: pytest.Parser) -> None:
    options = parser.getgroup("conformance")
    options.addoption("--adapter", default=DEFAULT_ADAPTER, metavar="CMD", help="the adapter's command line")
    options.addoption(
        "--tier", action="append", choices=["static", "pair", "measured"], help="run only cases of this tier"
    )
    options.addoption(
        "--section", action="append", metavar="N", help="run only this section and those below it"
    )
    options.addoption(
        "--lab",
        metavar="NAME",
        help="where the adapter brings the servers up, given to it as TWINSET_LAB; "
        "the reference's: namespaces, vagrant, auto (default: the virtual machines where they are up)",
    )
    options.addoption(
        "--profile", choices=["core", "full"], default="full", help="core: only cases of mandatory clauses"
    )
    options.addoption(
        "--report",
        type=Path,
        metavar="DIR",
        help="write report.html, report.json, junit.xml and evidence there",
    )
    options.addoption(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="an older report.json with which the report compares itself",
    )
    options.addoption(
        "--hooks", type=Path, metavar="FILE", help="commands for faults and remote hosts (ADAPTER.md)"
    )
    options.addoption(
        "--must-run", type=Path, metavar="FILE", help="fail when a case outside of this list is not judged"
    )
    options.addoption(
        "--measured", type=Path, metavar="FILE", help="figures of a benchmark (suite/measured.py)"
    )
    options.addoption(
        "--documents",
        type=Path,
        metavar="FILE",
        help="where the port's documents honour the documentary clauses (suite/documents.py)",
    )
    options.addoption("--known-failures", type=Path, default=HERE / "known-failures.toml", metavar="FILE")


def pytest_configure(config: pytest.Config) -> None:
    for line in MARKERS:
        config.addinivalue_line("markers", line)
    config.stash[REGISTRY] = registry.load_once()
    config.stash[VERDICTS] = verdicts.Verdicts(config.stash[REGISTRY])
    config.stash[KNOWN] = known_failures.load(config.getoption("--known-failures"))
    config.stash[BEGUN] = (evidence.now(), time.monotonic())
    config.stash[EARLIER] = earlier.Earlier()
    config.stash[COLLECTOR] = evidence.Collector(folder_of(config))
    baseline = config.getoption("--baseline")
    try:
        config.stash[DOCUMENTS] = _documents(config)
        config.stash[BASELINE] = compare.read(baseline) if baseline else None
        config.stash[HOOKS] = hooks.load(config.getoption("--hooks"))
    except ConformanceError as error:
        raise pytest.UsageError(str(error)) from error


def _documents(config: pytest.Config) -> dict[str, documents.Honoured]:
    """The port's list; the reference's own is here, as its adapter is the default."""
    reference = REFERENCE_DOCUMENTS if config.getoption("--adapter") == DEFAULT_ADAPTER else None
    given = config.getoption("--documents") or reference
    return documents.load(given, config.stash[REGISTRY]) if given else {}


def folder_of(config: pytest.Config) -> Path:
    """Where the adapter's log goes, and the report when one is asked for."""
    return Path(config.getoption("--report") or config.rootpath / ".conformance")


def clauses_of(item: pytest.Item) -> tuple[str, ...]:
    """The clauses a case names; none for the suite's own tests."""
    return tuple(clause_id for mark in item.iter_markers("clause") for clause_id in mark.args)


def tier_of(item: pytest.Item) -> str:
    """A case that asks for the pair needs two servers, one that asks for measurements a benchmark."""
    asked = getattr(item, "fixturenames", ())
    return next((tier for tier in ("pair", "measured") if tier in asked), "static")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    known = config.stash[REGISTRY]
    tiers, sections = config.getoption("--tier"), tuple(config.getoption("--section") or ())
    core = config.getoption("--profile") == "core"
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        ids = clauses_of(item)
        unknown = [clause_id for clause_id in ids if clause_id not in known]
        if unknown:
            raise pytest.UsageError(f"{item.nodeid}: no such clause: {unknown}")
        in_tier = not tiers or tier_of(item) in tiers
        in_profile = not core or any(levels.level_of(clause_id) == levels.MANDATORY for clause_id in ids)
        in_section = not sections or any(cases.in_section(clause_id, sections) for clause_id in ids)
        (kept if not ids or (in_tier and in_section and in_profile) else dropped).append(item)
    items[:] = sorted(kept, key=_order)
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
    if config.getoption("--lab"):
        os.environ[LAB] = config.getoption("--lab")
    found = Adapter.start(
        config.getoption("--adapter"), folder_of(config) / evidence.LOG, config.stash[HOOKS]
    )
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
def static(request: pytest.FixtureRequest, adapter: Adapter, judge: Judge) -> Static:
    """The port's judgement of configurations."""
    adapter.require_tier("static")
    _require(request, adapter)
    return Static(adapter, judge)


@pytest.fixture
def inspect(request: pytest.FixtureRequest, adapter: Adapter, judge: Judge) -> Inspect:
    """The port's judgement of disks."""
    adapter.require_tier("static")
    _require(request, adapter)
    return Inspect(adapter, judge)


@pytest.fixture
def advised(request: pytest.FixtureRequest, adapter: Adapter, judge: Judge) -> Advised:
    """The port's advice about servers that the case describes."""
    adapter.require_tier("static")
    adapter.require("advise")
    _require(request, adapter)
    return Advised(adapter, judge)


@pytest.fixture
def measured(request: pytest.FixtureRequest, judge: Judge) -> Measured:
    """What a benchmark has measured of the port."""
    return Measured(judge, request.config.getoption("--measured"))


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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[MARK] = evidence.log_end(folder_of(item.config) / evidence.LOG)


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
    if found is not None and found.failed is not None:
        error = found.failed  # also when the case went on, or cleaning up after it failed
    elif error is None and found is not None and found.unjudged():
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
    _keep_evidence(item, result)
    _show(item, report, result)
    report.user_properties.append(("conformance", asdict(result)))


def _keep_evidence(item: pytest.Item, result: verdicts.CaseResult) -> None:
    """Of a case that failed or broke: what the adapter said, and with a report what the port left behind."""
    if result.outcome not in {verdicts.FAIL, verdicts.BROKEN, verdicts.XFAIL}:
        return
    config = item.config
    result.log = evidence.log_since(folder_of(config) / evidence.LOG, item.stash.get(MARK, 0))
    adapter = config.stash.get(ADAPTER, None)
    if adapter is not None and config.getoption("--report") and result.tier == "pair":
        result.artefacts = config.stash[COLLECTOR].collect(adapter, result.case)


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
            _ended.append(verdicts.CaseResult.of(value))


_ended: list[verdicts.CaseResult] = []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    found = session.config.stash[VERDICTS]
    while _ended:
        found.add(_ended.pop(0))
    if found.results and not found.checks_executed and session.exitstatus == pytest.ExitCode.OK:
        # A run that compared nothing has shown nothing, however green it looks.
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    _go_on(session.config)
    if unjudged(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if session.config.getoption("--report") and found.results:
        _write_report(session.config)


def _go_on(config: pytest.Config) -> None:
    """A run of what failed before belongs to the report that is there: without this it would replace the whole."""
    if config.getoption("--report") and config.getoption("lf", default=False):
        found = config.stash.get(ADAPTER, None)
        config.stash[EARLIER] = earlier.read(folder_of(config), found.description if found else {})
        config.stash[VERDICTS].go_on_with(config.stash[EARLIER].results)


def unjudged(config: pytest.Config) -> list[str]:
    """What `--must-run` has to complain of; nothing where a tier cannot run at all, as `describe` says."""
    excepted, adapter = config.getoption("--must-run"), config.stash.get(ADAPTER, None)
    if not excepted or adapter is None or any(adapter.description["tiers"].values()):
        return []
    results = list(config.stash[VERDICTS].results.values())
    if not config.getoption("--measured"):  # the measured tier waits for a benchmark's figures, and says so
        results = [result for result in results if result.tier != "measured"]
    return must_run.complaints(results, must_run.load(excepted))


def _write_report(config: pytest.Config) -> None:
    described = config.stash.get(ADAPTER, None)
    folder, (started, begun) = folder_of(config), config.stash[BEGUN]
    before = config.stash[EARLIER]
    run = model.Run(
        started=started,
        duration_s=time.monotonic() - begun,
        environment=evidence.environment(),
        options={name: config.getoption(f"--{name}") for name in OPTIONS},
        adapter=described.description if described else before.adapter,
        earlier=before.runs,
        log=evidence.LOG if (folder / evidence.LOG).exists() else "",
    )
    honoured = documents.links(config.stash[DOCUMENTS], folder)
    report = model.build(config.stash[VERDICTS], run, uncased.load_once(), honoured)
    older = config.stash[BASELINE]
    write.write(folder, report, comparing.compare(older, report) if older else None)


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
    folder = config.getoption("--report")
    if folder:
        terminalreporter.write_line(f"report   {folder / 'report.html'}")
    for line in unjudged(config):
        terminalreporter.write_line(f"must run: {line}", red=True)
    if not found.checks_executed:
        terminalreporter.write_line(
            "nothing was checked: this run proves nothing and counts as failed", red=True
        )
