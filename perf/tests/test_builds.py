import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from perf.commands import builds
from perf.errors import PerfError


def options(tmp_path: Path, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    builds.arguments(parser)
    return parser.parse_args([*words, "--directory", str(tmp_path)])


def test_the_line_gives_medians_and_the_range_of_both_sides_together() -> None:
    """One round that went wrong moves the range, not the figures."""
    printed = builds.line("job", "after", [(10.0, 5.0, 100.0), (90.0, 50.0, 10.0), (12.0, 6.0, 90.0)])
    assert re.findall(r"[\d.]+", printed) == ["12.0", "6.0", "15.0", "140.0", "90"]


def test_what_is_no_installation_is_refused(tmp_path: Path) -> None:
    """A name without an interpreter, or a file that is not there."""
    for word in (
        "before",
        "before=/nowhere/python",
        f"before={sys.executable}@",
        f"before={sys.executable}@x",
    ):
        with pytest.raises(PerfError, match="interpreter of an installation"):
            builds.command(options(tmp_path, word))


@pytest.mark.skipif(shutil.which("fio") is None, reason="fio is needed")
def test_both_installations_are_measured_and_nothing_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    """One short round of one job on two pairs of this very installation."""
    words = [f"a={sys.executable}", f"b={sys.executable}@8", "--jobs", "randwrite-4k-qd16", "--rounds", "1"]
    with tempfile.TemporaryDirectory() as short:  # paths of sockets have to be short
        told = options(Path(short), *words, "--seconds", "0.3", "--disk-mib", "16")
        assert builds.command(told) == builds.OK
        assert not list(Path(short).iterdir())
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["randwrite-4k-qd16", "a"], ["randwrite-4k-qd16", "b"]]
    assert all(float(line.split()[2]) > 0 for line in lines)
