"""The document of the states is what the tables say."""

from __future__ import annotations

from pathlib import Path

from twinset.cluster import states
from twinset.cluster.membership import PHASES


def test_the_document_is_fresh() -> None:
    """The document on the disk is generated from the present tables: python -m twinset.cluster.states."""
    document = Path(__file__).parents[2] / "docs" / "states.md"
    assert document.read_text() == states.render()


def test_every_trigger_is_explained() -> None:
    """The document explains each trigger of the phases, and no other."""
    assert set(states.TRIGGERS) == {trigger for _, trigger in PHASES}
