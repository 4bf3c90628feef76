"""The event catalogue knows every event that is written anywhere."""

import re
from pathlib import Path

from twinset.events_catalogue import CATALOGUE, ERROR, INFO, RETIRED, UNKNOWN_ID, WARNING, entry
from twinset.operator.events_doc import CHAPTERS, document
from twinset.resources.kinds import KINDS

PACKAGE = Path(__file__).resolve().parents[1] / "twinset"
# What is written into the event log: `log("name", ...)`, `_log("name", ...)`, `event_log.write("name", ...)`.
WRITTEN = re.compile(r"""(?:\blog|_log|event_log\.write)\(\s*"([a-z]+(?:_[a-z]+)+)\"""")
STEPS = ("started", "stopped", "start_failed", "stop_failed")


def names_in_code() -> set[str]:
    found = set()
    for folder in ("cluster", "mirror", "shell", "resources"):
        for file in (PACKAGE / folder).rglob("*.py"):
            found |= set(WRITTEN.findall(file.read_text()))
    return found


def test_every_written_event_is_catalogued() -> None:
    """Each event that the code writes has an id, a cause and a remedy in the catalogue."""
    found = names_in_code()
    assert len(found) > 40
    assert sorted(found - set(CATALOGUE)) == []


def test_every_step_of_the_built_resources_is_catalogued() -> None:
    """Start and stop of each kind of resource, done and failed, are catalogued."""
    wanted = {f"{kind}_{step}" for kind in KINDS for step in STEPS}
    assert sorted(wanted - set(CATALOGUE)) == []


def test_ids_are_unique_and_well_formed() -> None:
    """No id stands for two events."""
    ids = [each.id for each in CATALOGUE.values()]
    assert len(set(ids)) == len(ids)
    assert not set(ids) & set(RETIRED)
    assert not set(CATALOGUE) & set(RETIRED.values())
    assert all(re.fullmatch(r"TS[1-9]\d{3}|TS0\d{3}", each) and each != UNKNOWN_ID for each in ids)


def test_severities_are_the_three() -> None:
    """Every severity is info, warning or error, and an error says what to do."""
    for name, each in CATALOGUE.items():
        assert each.severity in (INFO, WARNING, ERROR), name
        assert each.severity != ERROR or each.remedy != "none needed", name


def test_an_unknown_event_is_shown_all_the_same() -> None:
    """An event that nobody catalogued still has words."""
    assert entry("some_thing").cause == "some thing"


def test_every_event_is_explained_in_one_chapter() -> None:
    """Which leads to the page that says what to do (its links: test_pages.py)."""
    for name, each in CATALOGUE.items():
        assert len([begins for begins, *_ in CHAPTERS if each.id.startswith(begins)]) == 1, name
    assert all(document().count(f"| {name} |") == 1 for name in CATALOGUE)


def test_the_document_is_fresh() -> None:
    """docs/events.md says what the catalogue says; the module that makes it is named in it."""
    assert (PACKAGE.parent / "docs" / "events.md").read_text() == document()
