"""Each test gets a pair of its own: a NORMAL mirror set, an active group, disks with volatile caches."""

from collections.abc import Generator, Iterator

import pytest

from harness import audits, preflight
from harness.labs import pair, releases
from harness.labs.namespaces import Lab
from harness.labs.running import LATE_S, Pair

SKIP_REASON = preflight.reason_to_skip()
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "pair" in item.path.parts:
            item.add_marker(pytest.mark.lab)
            item.add_marker(pytest.mark.timeout(600))
            if SKIP_REASON:
                item.add_marker(pytest.mark.skip(reason=SKIP_REASON))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """The pair; after the test the audits, and nothing left."""
    options = dict(getattr(request, "param", {}))
    lab_options = {"disk_mib": 64, "seed": 11, "name": request.node.name[:40], **options.pop("lab", {})}
    scripts = options.pop("install", {})
    if release := lab_options.pop("release", ""):
        lab_options["programs"] = releases.programs_of(release)
    lab = Lab.create(**lab_options)
    try:
        for name, text in scripts.items():
            pair.install_script(lab, name, text)
        pair.bring_up(lab, LATE_S, **options)
        yield Pair(lab)
        if not request.node.stash.get(FAILED, False):
            audits.one_active(lab).require()
    except Exception:
        lab.artefacts.snapshot(lab)
        raise
    finally:
        if request.node.stash.get(FAILED, False):
            lab.artefacts.snapshot(lab)
        lab.destroy()
    audits.no_leftovers(lab).require()
