"""The READMEs of this tree, and the rules that hold their figures."""

import pytest

from perf.commands import baseline as command
from perf.errors import PerfError
from perf.figures import claims, markdown, provenance
from perf.figures.stored import Stored
from perf.shell.machine import ROOT
from perf.tests.factory import stored_run

TEXTS = {name: (ROOT / name).read_text() for name in command.READMES}
# What reads like a measured figure and is none: limits, targets, settings, methods. Each is looked up in its README.
SETTINGS = {
    "README.md": (),
    "harness/README.md": (),
    "perf/README.md": (
        "differ by\n   more than 15 %",
        "within 5 % of",
        "10, 50 and 100 % of the disk",
        "IOPS and 200 MiB/s",
        "what their name says, and 50 MiB/s",
        "heartbeats every 3 s",
        "its 90 %\ninterval",
        "whole 90 % interval",
        "about 20 % loss",
        "about 15 % more",
        "660 s a GB",
        "390 s a GB",
        "disk of 500 IOPS",
        "more than 5 % below",
        "(20 ms\nof ticks, 50 ms to a first block, 0.1 ms of the walk, 0.2 s of a switch)",
        "only their 90 % interval",
    ),
}


def load(path: str) -> Stored:
    return command.load(ROOT / path)


@pytest.mark.parametrize("name", TEXTS)
def test_marked_figures_are_those_of_their_file(name: str) -> None:
    """Nobody edits a measured table by hand; `python -m perf baseline` makes it from the file."""
    assert provenance.renewed(TEXTS[name], load) == TEXTS[name]


@pytest.mark.parametrize("name", TEXTS)
def test_every_other_figure_has_a_command_beside_it(name: str) -> None:
    """Every number comes from a named file in the tree or from a command printed beside it."""
    assert list(claims.unproved(TEXTS[name], SETTINGS[name])) == []
    assert claims.unused(TEXTS[name], SETTINGS[name]) == []


def test_front_page_and_measured_page_show_the_baseline() -> None:
    """The bars that are missed on the front page; every table on the page of the suite."""
    assert ("perf/baseline/standard.json", "bars-line") in provenance.passages(TEXTS["README.md"])
    shown = {name for _, name in provenance.passages(TEXTS["perf/README.md"])}
    assert shown == set(markdown.names()) - {"bars-line"}


def test_every_row_that_is_missed_has_its_profile() -> None:
    """A row that misses its bar, or is not ahead of QEMU's mirror, is explained."""
    section = TEXTS["perf/README.md"].partition("## What is missed, and what stands in the way")[2]
    section = section.partition("\n## ")[0]
    assert "impl/docs/decisions/0006-compiled-data-path.md" in section
    assert (ROOT / "impl/docs/decisions/0006-compiled-data-path.md").exists()
    for subject in markdown.missed(command.load().results):
        assert f"- `{subject}`: " in section


def test_passage_is_made_anew_from_its_file() -> None:
    """Whatever stands between the marks goes; what stands outside stays."""
    text = "before 0.99\n<!-- figures: a.json bars -->\nold\n<!-- end of figures -->\nafter\n"
    fresh = provenance.renewed(text, stored_run)
    assert fresh.startswith("before 0.99\n<!-- figures: a.json bars -->\n| | at least |")
    assert fresh.endswith("|\n<!-- end of figures -->\nafter\n")
    assert "old" not in fresh
    assert provenance.renewed(fresh, stored_run) == fresh


@pytest.mark.parametrize(
    "text",
    [
        "<!-- figures: a.json bars -->\n",
        "<!-- end of figures -->\n",
        "<!-- figures: a.json -->\n<!-- end of figures -->\n",
        "<!-- figures: a.json nothing -->\n<!-- end of figures -->\n",
    ],
)
def test_marks_that_do_not_pair_are_an_error(text: str) -> None:
    """A misspelt mark would leave its table to rot."""
    with pytest.raises(PerfError, match=r"mark|no figures"):
        list(provenance.passages(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It takes 17 s here.", True),
        ("It takes 17 s here (`make demo`).", False),
        ("It takes 17 s here (`packaging/deb.sh`).", False),
        ("| job | share |\n| --- | --- |\n| a | 0.55 |", True),
        ("By `python -m perf --smoke`:\n\n| job | share |\n| --- | --- |\n| a | 0.55 |", False),
        ("By `python -m perf --smoke`.\n\nAnd 12k IOPS.", True),
        ("- one, 5 MiB/s (`make test`)\n- two, 40 %", True),
        ("```\nmake demo    # 60 s\n```", False),
        ("<!-- figures: a.json bars -->\n0.55\n<!-- end of figures -->", False),
        ("heartbeats every 3 s", False),
        ("4 KiB, depth 16, in 2 of 3 rounds", False),
    ],
)
def test_figure_without_file_or_command_is_found(text: str, found: bool) -> None:
    """A command counts for its own item, or for the table or list right below its paragraph."""
    assert bool(list(claims.unproved(text, ["heartbeats every 3 s"]))) is found


def test_setting_that_is_gone_is_told() -> None:
    """The list of exceptions does not outlive its sentences."""
    assert claims.unused("a b", ["a", "c"]) == ["c"]
