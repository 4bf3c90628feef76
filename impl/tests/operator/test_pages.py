"""The pages that operators follow: every command that they show exists, every clause and link leads somewhere."""

import re
from pathlib import Path

import pytest

from conformance.suite import registry
from impl.tests import pages

NO_ADVICE = {"events.md", "states.md"}  # generated; what they mean for a task stands elsewhere
INDEX = pages.DOCS / "README.md"
TASKS = ("plan", "build", "operate", "recover", "maintain")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
READ_BY_USERS = [page for page in pages.PAGES if page.name not in pages.FOR_PORTS]


@pytest.mark.parametrize("page", READ_BY_USERS, ids=lambda page: page.name)
def test_every_command_of_a_page_exists(page: Path) -> None:
    """And takes the arguments and options that stand there; one that is only named needs none."""
    wrong = {problem for text in pages.commands(page.read_text()) if (problem := pages.fault(text))}
    assert not wrong, f"{page.name}: {sorted(wrong)}"


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_every_clause_of_a_page_exists(page: Path) -> None:
    """No page honours what the guide does not say."""
    assert not pages.clauses(page.read_text()) - set(registry.load_once())


def test_every_documentary_clause_is_named_by_a_page() -> None:
    """What no run can judge has its sentence for a person, all of it."""
    named = {clause for page in pages.PAGES for clause in pages.clauses(page.read_text())}
    documentary = {each.id for each in registry.load_once().values() if each.testable == "documentary"}
    assert len(documentary) == 171
    assert documentary - named == set()


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """To a file that is there, and in a page to a heading of it."""
    for target in LINK.findall(page.read_text()):
        name, _, anchor = target.partition("#")
        if "://" in name:
            continue
        file = page.parent / name if name else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_the_pages_are_sorted_by_task() -> None:
    """The index leads to every page: those for operators under one of the five tasks, in their order."""
    text = INDEX.read_text()
    table = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    assert re.findall(r"^\| \*\*(\w+)\*\* \|", table, re.MULTILINE) == list(TASKS)
    by_task, anywhere = (
        {target.partition("#")[0] for target in LINK.findall(part)} | {INDEX.name} for part in (table, text)
    )
    assert {page.name for page in pages.PAGES} - anywhere == set()
    assert {page.name for page in READ_BY_USERS} - by_task == {"mirror-rules.md"}


@pytest.mark.parametrize(
    "page", [x for x in pages.PAGES if x.name not in NO_ADVICE], ids=lambda page: page.name
)
def test_every_page_names_the_clauses_that_it_honours(page: Path) -> None:
    """At least one, and none that the guide does not have (above)."""
    assert pages.clauses(page.read_text())


def test_there_is_something_to_check() -> None:
    """A pattern that finds nothing would prove nothing."""
    found = [text for page in pages.PAGES for text in pages.commands(page.read_text())]
    assert len(found) > 150
    assert pages.clauses("4.1.3-05, -07 and -08, 6.3-01 to -03, 9.1-11; not 10.0.1.50-52") == {
        "4.1.3-05", "4.1.3-07", "4.1.3-08", "6.3-01", "6.3-02", "6.3-03", "9.1-11",
    }  # fmt: skip
    assert pages.fault("twinset server explode") == "twinset server explode: no such command"
    assert "No such option" in pages.fault("twinset apply FILE --now")
    assert "MissingParameter" in pages.fault("twinset disk prepare /dev/sdb --other SIZE")
    assert pages.fault("twinset group move") == pages.fault("twinset mirror status|functions") == ""
