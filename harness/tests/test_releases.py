"""Another release of the software under test: made once, by whoever comes first, with programs of its own."""

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.labs import releases
from harness.labs.host import PROGRAMS
from harness.run import run

pytestmark = pytest.mark.skipif(
    bool(releases.reason_to_skip(releases.FIRST)), reason=releases.reason_to_skip(releases.FIRST)
)


def test_a_release_is_that_of_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its programs run its own sources, which say nothing of themselves yet; two who make it at once both get it."""
    monkeypatch.setattr(releases, "KEPT", tmp_path)
    make = releases._make

    def two_at_once(making: Path, place: Path, commit: str) -> None:
        make(making, place, commit)
        if not place.exists():
            make(tmp_path / "other", place, commit)
            (tmp_path / "other").rename(place)

    monkeypatch.setattr(releases, "_make", two_at_once)
    programs = releases.programs_of(releases.FIRST)
    code = "import twinset; print(twinset.__file__)"
    assert str(tmp_path) in run([str(programs / "python"), "-c", code]).stdout
    assert "Usage" in run([str(programs / "twinset"), "--help"]).stdout
    assert releases.said_by(programs) == {}
    assert "leaving" in releases.said_by(PROGRAMS)["features"]
    assert releases.programs_of(releases.FIRST) == programs
    assert releases.wheel_of(releases.FIRST).parent == programs.parents[1]
    assert [path.name for path in tmp_path.iterdir()] == [programs.parents[1].name]


def test_a_commit_that_is_not_here_is_said() -> None:
    """As in a clone without its history."""
    assert "not here" in releases.reason_to_skip("0" * 40)
    with pytest.raises(HarnessError):
        releases.programs_of("0" * 40)
