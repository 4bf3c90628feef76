"""Labs for the harness's own tests: stand-in daemons, no software under test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import audits, preflight
from harness.labs.namespaces import Lab

SKIP_REASON = preflight.reason_to_skip()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SKIP_REASON:
        for item in items:
            if item.get_closest_marker("lab"):
                item.add_marker(pytest.mark.skip(reason=SKIP_REASON))


@pytest.fixture
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab of its own; after the test nothing of it may be left."""
    options = getattr(request, "param", {})
    created = Lab.create(**{"daemon": None, "disk_mib": 64, "artefacts_root": tmp_path, "seed": 7, **options})
    try:
        yield created
    finally:
        created.destroy()
    audits.no_leftovers(created).require()
