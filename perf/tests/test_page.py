from dataclasses import replace
from html.parser import HTMLParser

from perf.figures import page, plots
from perf.figures.matrix import DEPTHS, WRITE_SHARES
from perf.figures.results import CopyMeasurement, Results
from perf.tests.factory import SURROUNDINGS, measurement, results

SPREAD = {"mean_us": 40.0, "p50_us": 30.0, "p99_us": 90.0}
VOID = {"meta", "br", "img"}


class Tags(HTMLParser):
    """Every opened tag is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.wrong += [f"{tag} loads {value}" for name, value in attrs if name in {"src", "href"}]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")


def everything() -> Results:
    made = Results()
    for job, _ in (*WRITE_SHARES, *DEPTHS, ("readwrite-4k-qd16@disk-5000", 0), ("pgbench@mounted", 0)):
        for number in range(2):
            made.add(job, "raw", number, measurement(1000))
            made.add(job, "mirrored", number, measurement(500 + number))
    for percent in (1, 10, 50, 100):
        made.add_copy(f"difference {percent} %", 0, CopyMeasurement(percent << 20, percent / 10))
    for row, us in (("limit", 30), ("broken", 50), ("round-trip", 40)):
        slow = measurement(1)
        made.add("randwrite-4k-qd1", row, 0, replace(slow, figures=replace(slow.figures, mean_us=us)))
    made.add("randwrite-4k-qd16@sets-4", "raw", 0, measurement(10))
    stages = {"write": {"count": 1, "stages": {"receipt": SPREAD}, "total": SPREAD}}
    made.add("randwrite-4k-qd1", "sampled", 0, measurement(9, latency={"active": stages, "standby": {}}))
    made.growth = {"mirror sets": {str(n): {"start_s": n / 2, "rss_kib": 2e4 * n} for n in (1, 2, 8)}}
    made.switches = [{"heartbeat_lost": 30_000.0, "server_down": 60_000.0, "client": 61_000.0}]
    return made


def test_page_is_well_formed_and_loads_nothing() -> None:
    """One file, opened from anywhere: no script, no address, every tag closed."""
    tags = Tags()
    tags.feed(page.page(everything(), SURROUNDINGS, {"matrix": "quick"}))
    assert tags.wrong == []
    assert tags.open == []
    assert "script" not in tags.seen
    assert {"svg", "table"} <= tags.seen


def test_every_plot_is_there_when_its_figures_are() -> None:
    """And none of them when nothing was measured."""
    titles = " ".join(plot.title for plot in plots.plots(everything()))
    for words in (
        "Share of the raw disk", "lone write", "Stages of a mirrored write",
        "share of writes", "Ordinary disks", "depth", "high-speed copy",
        "Several mirror sets", "Applications", "Cost over mirror sets", "failover",
    ):  # fmt: skip
        assert words in titles
    assert list(plots.plots(Results())) == []


def test_time_of_a_write_is_taken_apart_by_differences() -> None:
    """The parts add up to what the mirrored row took; nothing is said when a row is missing."""
    found = Results()
    for row, us in (
        ("raw", 20.0),
        ("limit", 30.0),
        ("broken", 50.0),
        ("round-trip", 40.0),
        ("mirrored", 200.0),
    ):
        assert plots.parts_of_a_write(found) == {}
        one = measurement(1)
        found.add("randwrite-4k-qd1", row, 0, replace(one, figures=replace(one.figures, mean_us=us)))
    assert plots.parts_of_a_write(found) == {
        "own disk": 20.0, "both disks at once": 10.0, "serving": 30.0, "round trip": 40.0, "the mirror's own": 100.0
    }  # fmt: skip


def test_nothing_from_the_machine_becomes_markup() -> None:
    """A host, a version or a reason may hold anything."""
    evil = "<script>alert(1)</script>"
    about = {**SURROUNDINGS, "commit": evil, "versions": {evil: evil}, "machine": {"processor": evil}}
    found = results({"raw": [1], "mirrored": [1]}, job="readwrite-4k-qd16")
    found.skipped["disk-500"] = evil
    text = page.page(found, about, {"matrix": evil, "rounds": evil})
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 5


def test_page_of_nothing_says_so() -> None:
    """An empty run has a page too: everything not measured."""
    text = page.page(Results(), {}, {})
    assert "Nothing was measured to plot" in text
    assert "basics: randwrite-4k-qd1, randwrite-4k-qd16, " in text
