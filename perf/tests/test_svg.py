import xml.etree.ElementTree as ET

import pytest

from perf.figures import svg
from perf.figures.svg import Value

EVIL = '<b>"&'


def drawn(text: str) -> ET.Element:
    """The drawing as XML: what does not parse is not well-formed."""
    return ET.fromstring(f"<div>{text}</div>")


@pytest.mark.parametrize("highest", [0.03, 0.9, 1.0, 1.7, 43, 120, 51_000])
def test_axis_reaches_the_highest_value_in_a_few_round_steps(highest: float) -> None:
    """From 0, at most ten steps, none of them far beyond the value."""
    found = svg.ticks(highest)
    assert found[0] == 0
    assert found[-1] >= highest
    assert found[-2] < highest
    assert 3 <= len(found) <= 11


def test_axis_of_nothing_is_one() -> None:
    """No figures, no endless loop."""
    assert svg.ticks(0) == [0.0, 1.0]


def test_every_text_is_escaped() -> None:
    """Names come from files and machines; none of them becomes markup."""
    value = Value(1, 0.5, 2, EVIL)
    for text in (
        svg.bars(EVIL, {EVIL: {EVIL: value}}, 0.5),
        svg.lines(EVIL, [EVIL, "b"], {EVIL: {EVIL: value, "b": value}}),
        svg.stacked(EVIL, {EVIL: {EVIL: 1.0}}, EVIL),
    ):
        assert "<b>" not in text
        assert EVIL in "".join(drawn(text).itertext())


def test_row_has_one_colour_in_the_bars_and_in_the_legend_of_every_plot() -> None:
    """A reader who knows the mirrored bar of one plot knows it in all."""
    one = Value(1, 1, 1)
    for names in (["limit", "mirrored", "qemu"], ["other", "mirrored"]):
        root = drawn(svg.bars("t", {"g": dict.fromkeys(names, one)}))
        drawn_in = [rect.attrib["class"].removeprefix("c") for rect in root.iter("rect")]
        assert drawn_in == [key.attrib["class"].removeprefix("b") for key in root.iter("i")]
        assert drawn_in[names.index("mirrored")] == "0"
        assert len(set(drawn_in)) == len(names)


def test_bar_is_as_long_as_its_value() -> None:
    """Half the value, half the bar; the stroke covers the interval."""
    root = drawn(svg.bars("t", {"g": {"a": Value(1, 0.9, 1.1), "b": Value(0.5, 0.5, 0.5)}}))
    one, half = (float(rect.attrib["width"]) for rect in root.iter("rect"))
    assert one == pytest.approx(2 * half, abs=0.1)


def test_place_without_a_point_is_left_out_of_the_line() -> None:
    """A hole is no zero."""
    root = drawn(svg.lines("t", ["a", "b", "c"], {"s": {"a": Value(1, 1, 1), "c": Value(1, 1, 1)}}))
    assert len(list(root.iter("circle"))) == 2


def test_parts_of_a_stack_follow_one_another() -> None:
    """Each begins where the one before ends."""
    first, second = drawn(svg.stacked("t", {"r": {"a": 1.0, "b": 2.0}}, "s")).iter("rect")
    end = float(first.attrib["x"]) + float(first.attrib["width"])
    assert float(second.attrib["x"]) == pytest.approx(end, abs=0.2)
